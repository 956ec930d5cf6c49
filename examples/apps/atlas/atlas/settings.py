"""Everything that differs between machines comes from the environment; see README.md."""

from pathlib import Path

import dj_database_url
import sentry_sdk

from . import environment, logs

BASE_DIR = Path(__file__).resolve().parent.parent
RELEASE = environment.text("APP_RELEASE", "development")

# Security
DEBUG = environment.boolean("DEBUG")
SECRET_KEY = "only-for-development" if DEBUG else environment.required("SECRET_KEY")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = environment.names("CSRF_TRUSTED_ORIGINS")
API_TOKEN = environment.text("API_TOKEN")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not DEBUG
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # the reverse proxy sends Strict-Transport-Security
    "gis.W001",  # GDAL before 3.9 (Debian 12): no spatial reference ever comes from a visitor
]

# Application
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "places",
]
MIDDLEWARE = [
    "atlas.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "atlas.urls"
WSGI_APPLICATION = "atlas.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Data
DATABASES = {
    "default": dj_database_url.parse(
        environment.text("DATABASE_URL", "postgresql:///atlas"),
        engine="django.contrib.gis.db.backends.postgis",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": environment.text("REDIS_URL", "redis://127.0.0.1:6379/0"),
        # Two releases run side by side during a deployment and must not read each other's pickles.
        "KEY_PREFIX": f"atlas:{RELEASE}",
        "OPTIONS": {"socket_timeout": 3, "socket_connect_timeout": 3},
    }
}

# Files
STATIC_URL = "/static/"
STATIC_ROOT = environment.text("STATIC_ROOT", str(BASE_DIR / "static"))
MEDIA_URL = "/media/"
MEDIA_ROOT = environment.text("MEDIA_ROOT", str(BASE_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage."
        + ("StaticFilesStorage" if DEBUG else "ManifestStaticFilesStorage")
    },
}

# Language and time
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

# Celery
CELERY_BROKER_URL = environment.text("CELERY_BROKER_URL", "redis://127.0.0.1:6379/1")
CELERY_RESULT_BACKEND = environment.text("CELERY_RESULT_BACKEND", "redis://127.0.0.1:6379/2")
CELERY_RESULT_EXPIRES = 24 * 3600
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_ACKS_LATE = environment.boolean("CELERY_TASK_ACKS_LATE", True)
CELERY_TASK_REJECT_ON_WORKER_LOST = environment.boolean("CELERY_TASK_REJECT_ON_WORKER_LOST", True)
CELERY_TASK_TIME_LIMIT = environment.integer("CELERY_TASK_TIME_LIMIT", 300)
CELERY_TASK_SOFT_TIME_LIMIT = environment.integer("CELERY_TASK_SOFT_TIME_LIMIT", 270)
CELERY_WORKER_PREFETCH_MULTIPLIER = environment.integer("CELERY_WORKER_PREFETCH_MULTIPLIER", 1)
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": environment.integer("CELERY_VISIBILITY_TIMEOUT", 3600)
}
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "places.tasks.heartbeat", "schedule": 60.0, "options": {"expires": 55}},
}

# Health: below these the instance reports itself as failing
HEALTH_MIN_FREE_DISK_PERCENT = environment.integer("HEALTH_MIN_FREE_DISK_PERCENT", 3)
HEALTH_MIN_FREE_MEMORY_PERCENT = environment.integer("HEALTH_MIN_FREE_MEMORY_PERCENT", 2)

# Logs and errors
LOGGING = logs.configuration(environment.text("LOG_LEVEL", "INFO").upper())
if SENTRY_DSN := environment.text("SENTRY_DSN"):
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        release=RELEASE,
        environment=environment.text("SENTRY_ENVIRONMENT", "production"),
        send_default_pii=False,
    )
