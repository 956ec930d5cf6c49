import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

from . import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atlas.settings")

app = Celery("atlas")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def configure_logging(**_: Any) -> None:
    """Log as the web processes do, instead of in Celery's own format."""
    from django.conf import settings

    dictConfig(settings.LOGGING)


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    headers["request_id"] = logs.request_id.get()


@task_prerun.connect
def take_request_id(task: Any, **_: Any) -> None:
    logs.request_id.set(getattr(task.request, "request_id", None))


@task_postrun.connect
def forget_request_id(**_: Any) -> None:
    logs.request_id.set(None)
