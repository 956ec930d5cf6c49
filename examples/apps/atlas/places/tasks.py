import logging
import socket
import time
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.utils import timezone

from .models import Measurement, Place

logger = logging.getLogger(__name__)

KEEP_MEASUREMENTS = timedelta(days=1)


def measure(source: Measurement.Source) -> Measurement:
    return Measurement.objects.create(
        source=source, places=Place.objects.count(), worker=socket.gethostname()
    )


@shared_task
def ping(seconds: float = 0) -> dict[str, Any]:
    """Count the places and write the number down, after so many seconds of pretended work."""
    time.sleep(seconds)
    measurement = measure(Measurement.Source.PING)
    logger.info("measured", extra={"measurement": measurement.pk, "places": measurement.places})
    return {"measurement": measurement.pk, "places": measurement.places, "worker": measurement.worker}


@shared_task
def heartbeat() -> dict[str, int]:
    """Measure, and forget what is older than a day."""
    measurement = measure(Measurement.Source.HEARTBEAT)
    old = Measurement.objects.filter(created_at__lt=timezone.now() - KEEP_MEASUREMENTS)
    pruned, _ = old.delete()
    return {"measurement": measurement.pk, "pruned": pruned}
