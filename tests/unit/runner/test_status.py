from typing import Any

import pytest

from roost.events import Status
from roost.status import StatusCollector, status_rows, troubles
from tests.unit.runner import result

WELL: dict[str, Any] = {
    "uptime_seconds": 200_000,
    "load": 0.5,
    "services": {"nginx.service": "active", "postgresql.service": "active"},
    "failed_units": [],
    "apps": [
        {
            "name": "atlas",
            "release": "abc",
            "releases": 2,
            "slot": "blue",
            "web": "active",
            "frontend": None,
            "maintenance_since": "",
            "programs": {"atlas-worker-default": "running", "atlas-beat": "running"},
        }
    ],
    "certificates": [
        {"name": "atlas", "days_left": 80, "lifetime_days": 90, "self_signed": False, "failure": ""},
        {"name": "brief", "days_left": 2, "lifetime_days": 6, "self_signed": False, "failure": ""},
    ],
    "disks": [{"path": "/", "total_mb": 40_000, "free_mb": 20_000, "used_percent": 50}],
    "memory": {"total_mb": 2048, "available_mb": 1024, "swap_used_mb": 0},
}


def changed_certificate(**changes: Any) -> dict[str, Any]:
    return WELL | {"certificates": [WELL["certificates"][0] | changes]}


def changed_app(**changes: Any) -> dict[str, Any]:
    return WELL | {"apps": [WELL["apps"][0] | changes]}


def test_a_host_that_is_well_has_no_troubles() -> None:
    assert list(troubles(WELL)) == []


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (WELL | {"failed_units": ["x.service"]}, "x.service failed"),
        (WELL | {"services": {"nginx.service": "inactive"}}, "nginx.service is inactive"),
        (changed_app(release=""), "atlas has no release"),
        (changed_app(web="failed"), "atlas's web process is failed"),
        (changed_app(web=""), "atlas's web process is missing"),
        (changed_app(frontend="failed"), "the server of atlas's front end is failed"),
        (
            changed_app(maintenance_since="2026-11-24 13:00 UTC"),
            "atlas is in maintenance mode since 2026-11-24 13:00 UTC",
        ),
        (changed_app(programs={"atlas-beat": "fatal"}), "atlas-beat is fatal"),
        (changed_certificate(days_left=5), "the certificate atlas ends in 5 days"),
        (changed_certificate(lifetime_days=6, days_left=1), "the certificate atlas ends in 1 days"),
        (changed_certificate(failure="no such host."), "the certificate atlas could not be issued: no such host."),
        (WELL | {"disks": [WELL["disks"][0] | {"used_percent": 95}]}, "/ is 95 % full"),
        (
            WELL | {"memory": {"total_mb": 2048, "available_mb": 50, "swap_used_mb": 0}},
            "only 50 MiB of memory are available",
        ),
    ],
)
def test_each_trouble_is_told(status: dict[str, Any], trouble: str) -> None:
    assert list(troubles(status)) == [trouble]


def test_a_worker_host_needs_no_web_process() -> None:
    assert list(troubles(changed_app(slot="", web=""))) == []


def test_rows_are_short_texts() -> None:
    assert list(status_rows(WELL)) == [
        ("up", "2 days, load 0.5"),
        ("memory", "1.0 GiB of 2.0 GiB available"),
        ("disk", "/ 50 % used, 19.5 GiB free"),
        ("services", "nginx, postgresql"),
        ("app", "atlas release abc, blue active, 2 of 2 background programs running"),
        ("certificate", "atlas issued, 80 days left"),
        ("certificate", "brief issued, 2 days left"),
    ]


def test_the_collector_keeps_what_the_module_returned() -> None:
    collector = StatusCollector()
    collector(result("host_status", {"status": WELL}, Status.OK))
    collector(result("debug", {"status": "something else"}, Status.OK))
    assert collector.hosts == {"vm1": WELL}
