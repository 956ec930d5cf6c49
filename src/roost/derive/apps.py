"""The inputs of the roles that run the applications: app, celery."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roost.database_url import server_of
from roost.derive.context import Context, role_input
from roost.derive.logins import Login, owner_login, serving_login
from roost.derive.pages import copy_commands
from roost.derive.passwords import password_hash
from roost.derive.server import PGBOUNCER_PORT, POSTGRESQL_PORT, REDIS_PORT
from roost.model import AUTO_WORKERS_MAX, ResolvedApp, ResolvedDatabase
from roost.model.hooks import NOTICES, POINTS
from roost.paths import project_root
from roost.secrets import DEPLOY_KEY

MEMORY_PER_WORKER_MB = 150
"""What a worker process of a middling Django project takes."""

WEB_MEMORY_SHARE = 0.4
"""The share of a host's memory that `workers: auto` may fill, all applications together."""

type Variables = list[dict[str, str]]


@role_input
def app_names(context: Context) -> list[str]:
    """Return the name of every application, for the operations that need nothing else of them."""
    return [app.name for app in context.apps]


@role_input
def app_apps(
    context: Context, vault_apps: Mapping[str, Mapping[str, str]], vault_redis_password: str, inventory: str
) -> list[dict[str, Any]]:
    """Return every application with its processes on this host.

    `web` is None on a host that only works through queues.
    """
    return [
        {
            "name": app.name,
            "framework": app.framework,
            "source": _source(app, Path(inventory), vault_apps),
            "python": _python(app),
            "web": _web(app, context) if context.plays("app") else None,
            "health": {"path": app.web.health, "host": app.hosts[0]},
            "frontend": _frontend(app) if context.plays("app") else None,
            "frontend_server": _frontend_server(app) if context.plays("app") else None,
            "build_commands": _build_commands(app),
            "release_commands": list(app.release_commands),
            "migrations": _migrations(app),
            "run_release_commands": context.is_first("app" if context.topology.members("app") else "worker"),
            "environment": _environment(app),
            "secrets": _secrets(app, context, vault_apps, vault_redis_password),
            "command_secrets": _command_secrets(app, context, vault_apps),
            "hooks": _hooks(app, context, vault_apps.get(app.name, {})),
            "packages": list(app.packages),
        }
        for app in context.apps
    ]


@role_input
def celery_apps(context: Context) -> list[dict[str, Any]]:
    """Return the applications that have background tasks. The first worker host alone runs their schedulers."""
    return [
        {
            "name": app.name,
            "application": app.celery.application,
            "beat": app.celery.beat and context.is_first("worker"),
            "pools": [
                {
                    "name": pool.name,
                    "queues": list(pool.queues),
                    "concurrency": pool.concurrency,
                    "time_limit": pool.time_limit,
                    "soft_time_limit": pool.soft_time_limit,
                }
                for pool in app.celery.pools
            ],
        }
        for app in context.apps
        if app.celery
    ]


@role_input
def celery_flower(
    context: Context, vault_apps: Mapping[str, Mapping[str, str]], vault_redis_password: str
) -> list[dict[str, str]]:
    """Return the applications whose workers are watched with Flower."""
    return [
        {
            "name": app.name,
            "url": app.celery.flower.url,
            "broker_url": _broker_url(app, vault_redis_password, context),
            "user": "flower",
            "password": vault_apps[app.name]["flower_password"],
            "password_hash": password_hash(vault_apps[app.name]["flower_password"]),
        }
        for app in context.apps
        if app.celery and app.celery.flower
    ]


def auto_workers(cpus: int, memory_mb: int, apps: int) -> int:
    """Return the worker processes of each of `apps` applications on a host: 2 to AUTO_WORKERS_MAX."""
    fitting = int(memory_mb * WEB_MEMORY_SHARE / MEMORY_PER_WORKER_MB / apps)
    return max(2, min(2 * cpus + 1, fitting, AUTO_WORKERS_MAX))


def _hooks(app: ResolvedApp, context: Context, vault: Mapping[str, str]) -> dict[str, Any]:
    """Return the commands at each point of a deploy, the smoke test, and who is told, with the secrets for it."""
    web = context.topology.members("web")
    hooks = app.hooks
    return {
        "commands": [{"point": point, **hook.model_dump()} for point in POINTS for hook in getattr(hooks, point)],
        "smoke": list(hooks.smoke),
        "domain": app.hosts[0],
        "address": context.address_of(web[0]) if web else "",
        "notices": [
            {"kind": kind, **declared.model_dump(), **declared.from_vault(vault)}
            for kind in NOTICES
            if (declared := getattr(hooks, kind))
        ],
    }


def _source(app: ResolvedApp, inventory: Path, vault_apps: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    source = app.source
    if source.git:
        access: dict[str, Any] = {"host_keys": list(source.host_keys)} if source.host_keys else {}
        if source.deploy_key:
            access["deploy_key"] = str(vault_apps[app.name][DEPLOY_KEY])
        return {"kind": "git", "location": source.git, "version": source.version or "", **access}
    if source.path:
        return {"kind": "path", "location": str(project_root(inventory) / source.path), "version": ""}
    return {"kind": "pypi", "location": source.pypi or "", "version": ""}


def _python(app: ResolvedApp) -> dict[str, str]:
    return {key: value for key, value in app.python.model_dump().items() if value is not None}


def _migrations(app: ResolvedApp) -> dict[str, Any]:
    database = app.database
    return {
        "listing": app.migrations or "",
        "lock_timeout": database.migration_lock_timeout if database else 0,
        # A database that is used as it is has its owner's limits, and perhaps a connection pooler that refuses options.
        "lift_time_limits": bool(database and not database.url),
        "backup": bool(database and database.backup_before_migrations),
    }


def _frontend(app: ResolvedApp) -> dict[str, Any] | None:
    frontend = app.frontend
    if frontend is None:
        return None
    return {
        "path": frontend.path,
        "kind": frontend.kind,
        "build": frontend.build,
        "output": frontend.output,
        "environment": _listed(frontend.env),
    } | ({"node": frontend.node} if frontend.node else {})


def _frontend_server(app: ResolvedApp) -> dict[str, Any] | None:
    frontend = app.frontend
    if frontend is None or frontend.kind != "node":
        return None
    return {
        "arguments": frontend.start.removeprefix("node "),
        "health": {"path": frontend.health, "host": app.hosts[0]},
        "memory_max_mb": frontend.memory_max_mb or 0,
    }


def _build_commands(app: ResolvedApp) -> list[str]:
    """Return what is run while a release is built.

    The source is closed to nginx, so what nginx serves is copied out. A release that workers can't load is none.
    """
    root = app.static.root if app.static else None
    copies = [f'cp --recursive {root.rstrip("/")}/. "$STATIC_ROOT/"'] if root else []
    checks = [f"/usr/local/lib/roost/celery-check {app.celery.application} >/dev/null"] if app.celery else []
    return [*app.build_commands, *copies, *copy_commands(app), *checks]


def _web(app: ResolvedApp, context: Context) -> dict[str, Any]:
    workers = app.web.workers
    if workers == "auto":
        workers = auto_workers(context.cpus, context.memory_mb, len(context.apps))
    return {
        "server": app.web.server,
        "worker_class": app.web.worker_class,
        "module": app.web.module,
        "workers": workers,
        "threads": app.web.threads,
        "preload": app.web.preload,
        "max_request_time": app.web.max_request_time,
        "memory_max_mb": app.web.memory_max_mb or 0,
        "warm_minutes": app.web.warm_minutes,
    }


def _environment(app: ResolvedApp) -> Variables:
    variables = {
        # Django writes a wildcard without its asterisk, others as it is.
        "ALLOWED_HOSTS": ",".join(d.removeprefix("*") if app.framework == "django" else d for d in app.hosts),
        "CSRF_TRUSTED_ORIGINS": ",".join(f"https://{domain}" for domain in app.hosts),
    }
    if app.settings:
        variables["DJANGO_SETTINGS_MODULE"] = app.settings
    if app.media:
        variables["MEDIA_ROOT"] = f"/srv/{app.name}/media"
    if app.celery:
        variables |= _celery_settings(app)
    return _listed(variables | app.env)


def _celery_settings(app: ResolvedApp) -> dict[str, str]:
    """Return the settings with which a restart or a crash loses no task: one at a time, acknowledged when done."""
    pools = app.celery.pools if app.celery else ()
    longest = max(pool.time_limit for pool in pools)
    return {
        "CELERY_TASK_ACKS_LATE": "true",
        "CELERY_TASK_REJECT_ON_WORKER_LOST": "true",
        "CELERY_WORKER_PREFETCH_MULTIPLIER": "1",
        "CELERY_TASK_TIME_LIMIT": str(longest),
        "CELERY_TASK_SOFT_TIME_LIMIT": str(max(pool.soft_time_limit for pool in pools)),
        "CELERY_VISIBILITY_TIMEOUT": str(max(3600, 2 * longest)),
    }


def _secrets(
    app: ResolvedApp, context: Context, vault_apps: Mapping[str, Mapping[str, str]], redis_password: str
) -> Variables:
    vault = vault_apps.get(app.name, {})
    variables = {name: str(vault[name]) for name in app.secrets}
    if app.database:
        port = PGBOUNCER_PORT if app.database.pooler else POSTGRESQL_PORT
        variables["DATABASE_URL"] = app.database.url or _database_url(
            app.database, serving_login(app.database, vault), port, context
        )
    if app.redis_database is not None:
        variables |= _redis_urls(app, redis_password, context)
    return _listed(variables)


def _command_secrets(app: ResolvedApp, context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> Variables:
    """Return what makes commands the owner, and leads them past the pooler.

    Migrations change tables, and need sessions with locks and settings of their own.
    """
    database = app.database
    if database is None or not (database.runtime_role or database.pooler):
        return []
    owner = owner_login(database, vault_apps[app.name])
    return _listed({"DATABASE_URL": _database_url(database, owner, POSTGRESQL_PORT, context)})


def _database_url(database: ResolvedDatabase, login: Login, port: int, context: Context) -> str:
    if database.admin_url:
        return server_of(database.admin_url).url(login.role, login.password, database.name)
    server = context.address_of(context.topology.members("database")[0])
    return f"postgresql://{login.role}:{quote(login.password, safe='')}@{server}:{port}/{database.name}"


def _redis_urls(app: ResolvedApp, password: str, context: Context) -> dict[str, str]:
    cache = context.topology.members("cache") or context.topology.brokers
    urls = {"REDIS_URL": _redis_url(context.address_of(cache[0]), password, app.cache_database)}
    if app.celery:
        broker = _broker_url(app, password, context)
        urls |= {"CELERY_BROKER_URL": broker, "CELERY_RESULT_BACKEND": broker}
    return urls


def _broker_url(app: ResolvedApp, password: str, context: Context) -> str:
    return _redis_url(context.address_of(context.topology.brokers[0]), password, app.broker_database)


def _redis_url(address: str, password: str, database: int | None) -> str:
    return f"redis://:{quote(password, safe='')}@{address}:{REDIS_PORT}/{database}"


def _listed(variables: Mapping[str, str]) -> Variables:
    return [{"name": name, "value": value} for name, value in variables.items()]
