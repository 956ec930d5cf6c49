"""What a load balancer or a deployment asks before it sends traffic here."""

import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


class Unhealthy(Exception):
    """A check failed; the text says why."""


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT PostGIS_Lib_Version()")
        return f"PostGIS {cursor.fetchone()[0]}"


def check_redis() -> str:
    key, value = f"health-{uuid.uuid4().hex}", "ok"
    cache.set(key, value, timeout=10)
    if cache.get(key) != value:
        raise Unhealthy("a value written to Redis did not come back")
    cache.delete(key)
    return "read back what was written"


def check_disk() -> str:
    usage = shutil.disk_usage(settings.BASE_DIR)
    return _require_free("disk", usage.free, usage.total, settings.HEALTH_MIN_FREE_DISK_PERCENT)


def check_memory() -> str:
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available, total = (int(meminfo[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    return _require_free("memory", available, total, settings.HEALTH_MIN_FREE_MEMORY_PERCENT)


def _require_free(what: str, free: int, total: int, minimum_percent: float) -> str:
    percent = 100 * free / total
    if percent < minimum_percent:
        raise Unhealthy(f"{percent:.1f} % of {what} free, at least {minimum_percent:g} % wanted")
    return f"{percent:.0f} % free"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "redis": check_redis,
    "disk": check_disk,
    "memory": check_memory,
}


def run_check(check: Callable[[], str]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        detail, ok = check(), True
    except Unhealthy as failure:
        detail, ok = str(failure), False
    except Exception as failure:
        # The message may hold an address or a user name; the page is public.
        detail, ok = type(failure).__name__, False
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return {"ok": ok, "detail": detail, "milliseconds": milliseconds}


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 if every check passes, else 503; the same JSON document either way."""
    checks = {name: run_check(check) for name, check in CHECKS.items()}
    healthy = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if healthy else "failing", "release": settings.RELEASE, "checks": checks},
        status=200 if healthy else 503,
    )
