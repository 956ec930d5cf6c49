from typing import Any

import pytest

from roost.events import Status
from roost.status import StatusCollector, status_rows, troubles
from tests.unit.runner import result

LOSS = "what is committed now and not yet archived would be lost with this server"
HOUR = 3600
DAY = 24 * HOUR
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
            "warm": "",
            "frontend": None,
            "maintenance_since": "",
            "programs": {"atlas-worker-default": "running", "atlas-beat": "running"},
        }
    ],
    "databases": [{"name": "borea", "problem": ""}],
    "certificates": [
        {"name": "atlas", "days_left": 80, "lifetime_days": 90, "self_signed": False, "failure": ""},
        {"name": "brief", "days_left": 2, "lifetime_days": 6, "self_signed": False, "failure": ""},
    ],
    "disks": [{"path": "/", "total_mb": 40_000, "free_mb": 20_000, "used_percent": 50}],
    "memory": {"total_mb": 2048, "available_mb": 1024, "swap_used_mb": 0},
    "backups": {
        "last": "2026-11-26T15:00:09Z",
        "age_seconds": 3 * HOUR + 120,
        "first_age_seconds": 40 * DAY,
        "late_after_seconds": 30 * HOUR,
        "failed": "",
        "broken": [],
        "archiving_waiting": 0,
        "archiving_failing": False,
        "drill": {
            "when": "2026-11-24T15:00:09Z",
            "ok": True,
            "rpo_seconds": 0,
            "rto_seconds": 12,
            "age_seconds": 2 * DAY + HOUR,
            "reason": "",
        },
        "drill_late_after_seconds": 35 * DAY,
    },
    "dumps": {
        "last": "2026-11-26T15:00:14Z",
        "age_seconds": 2 * HOUR,
        "first_age_seconds": 40 * DAY,
        "late_after_seconds": 30 * HOUR,
        "failed": "",
    },
    "files": {
        "last": "2026-11-26T15:00:19Z",
        "age_seconds": 2 * HOUR,
        "first_age_seconds": 40 * DAY,
        "late_after_seconds": 30 * HOUR,
        "failed": "",
    },
    "receiver": {"connected": True, "waits": True, "behind_seconds": 0, "behind_bytes": 0},
}


def changed_certificate(**changes: Any) -> dict[str, Any]:
    return WELL | {"certificates": [WELL["certificates"][0] | changes]}


def changed_app(**changes: Any) -> dict[str, Any]:
    return WELL | {"apps": [WELL["apps"][0] | changes]}


def changed_backups(**changes: Any) -> dict[str, Any]:
    return WELL | {"backups": WELL["backups"] | changes}


def changed_dumps(**changes: Any) -> dict[str, Any]:
    return WELL | {"dumps": WELL["dumps"] | changes}


def changed_files(**changes: Any) -> dict[str, Any]:
    return WELL | {"files": WELL["files"] | changes}


def changed_receiver(**changes: Any) -> dict[str, Any]:
    return WELL | {"receiver": WELL["receiver"] | {"waits": False} | changes}


def changed_drill(**changes: Any) -> dict[str, Any]:
    return changed_backups(drill=WELL["backups"]["drill"] | changes)


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
        (changed_backups(last="", age_seconds=None, first_age_seconds=60, drill={}), "there is no backup yet"),
        (changed_backups(age_seconds=31 * HOUR), "the last good backup is 31 h old"),
        (changed_backups(failed="the disk is full"), "the last backup failed: the disk is full"),
        (changed_backups(broken=["20261126-150009F"]), "backup 20261126-150009F is broken"),
        (changed_backups(archiving_failing=True, archiving_waiting=3), "the archive is behind: 3 WAL files wait"),
        (changed_backups(archiving_failing=True, archiving_waiting=1), "the archive is behind: 1 WAL file waits"),
        (changed_drill(ok=False, reason="no row in users"), "the last restore drill failed: no row in users"),
        (changed_drill(age_seconds=36 * DAY), "the last restore drill is 36 days old"),
        (changed_backups(drill={}), "no restore drill has run"),
        (
            WELL | {"databases": [{"name": "borea", "problem": "no route to host"}]},
            "the database of borea can't be reached: no route to host",
        ),
        (changed_dumps(last="", age_seconds=None), "there is no dump of a database elsewhere yet"),
        (changed_dumps(age_seconds=31 * HOUR), "the last good dump of a database elsewhere is 31 h old"),
        (changed_dumps(failed="pg_dump: no"), "the last dump of databases elsewhere failed: pg_dump: no"),
        (changed_files(last="", age_seconds=None), "there is no backup of files yet"),
        (changed_files(age_seconds=31 * HOUR), "the last good backup of files is 31 h old"),
        (changed_files(failed="the bucket is gone"), "the last backup of files failed: the bucket is gone"),
        (
            changed_receiver(connected=False, behind_seconds=200),
            f"the receiver of PostgreSQL's log is away for 3 min: {LOSS}",
        ),
        (changed_receiver(connected=False, behind_seconds=None), f"the receiver of PostgreSQL's log is away: {LOSS}"),
        (
            changed_receiver(behind_seconds=12),
            f"commits don't wait for the receiver of PostgreSQL's log, which is behind for 12 s: {LOSS}",
        ),
    ],
)
def test_each_trouble_is_told(status: dict[str, Any], trouble: str) -> None:
    assert list(troubles(status)) == [trouble]


@pytest.mark.parametrize(
    "status",
    [
        WELL | {"backups": None},
        WELL | {"files": None},
        WELL | {"receiver": None},
        WELL | {"dumps": None},
        changed_dumps(last="", age_seconds=None, first_age_seconds=HOUR),
        changed_files(last="", age_seconds=None, first_age_seconds=HOUR),
        changed_backups(drill={}, first_age_seconds=34 * DAY),
        changed_backups(archiving_waiting=3),
    ],
)
def test_what_is_not_late_yet_is_no_trouble(status: dict[str, Any]) -> None:
    assert list(troubles(status)) == []


def test_a_worker_host_needs_no_web_process() -> None:
    assert list(troubles(changed_app(slot="", web=""))) == []


def test_rows_are_short_texts() -> None:
    assert list(status_rows(WELL)) == [
        ("up", "2 days, load 0.5"),
        ("memory", "1.0 GiB of 2.0 GiB available"),
        ("disk", "/ 50 % used, 19.5 GiB free"),
        ("services", "nginx, postgresql"),
        ("app", "atlas release abc, blue active, 2 of 2 background programs running"),
        ("database", "borea answers, elsewhere"),
        ("certificate", "atlas issued, 80 days left"),
        ("certificate", "brief issued, 2 days left"),
        ("backup", "last 3 h ago, restore drill 2 days ago: 12 s to restore, 0 s of data lost"),
        ("dumps", "last 2 h ago"),
        ("files", "backed up 2 h ago"),
        ("receiver", "has every commit"),
    ]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (changed_backups(last="", age_seconds=None, drill={}), "none yet, no restore drill yet"),
        (
            changed_backups(age_seconds=59),
            "last 0 min ago, restore drill 2 days ago: 12 s to restore, 0 s of data lost",
        ),
        (changed_drill(ok=False, rpo_seconds=0, rto_seconds=0), "last 3 h ago, restore drill 2 days ago failed"),
    ],
)
def test_the_row_of_backups_tells_what_is_missing(status: dict[str, Any], text: str) -> None:
    assert dict(status_rows(status))["backup"] == text


def test_a_release_that_is_kept_warm_is_told() -> None:
    app = WELL["apps"][0] | {"warm": "abb"}
    row = dict(status_rows(WELL | {"apps": [app]}))["app"]
    assert row.startswith("atlas release abc, blue active, abb kept warm, ")


def test_a_host_without_backups_has_no_row_of_them() -> None:
    assert "backup" not in dict(status_rows(WELL | {"backups": None}))


def test_the_collector_keeps_what_the_module_returned() -> None:
    collector = StatusCollector()
    collector(result("host_status", {"status": WELL}, Status.OK))
    collector(result("debug", {"status": "something else"}, Status.OK))
    assert collector.hosts == {"vm1": WELL}


def test_a_database_out_of_reach_and_dumps_that_were_never_made_are_told() -> None:
    rows = dict(status_rows(changed_dumps(last="") | {"databases": [{"name": "borea", "problem": "no route"}]}))
    assert (rows["database"], rows["dumps"]) == ("borea out of reach, elsewhere", "none yet")


def test_files_that_were_never_backed_up_are_told() -> None:
    assert dict(status_rows(changed_files(last="", age_seconds=None)))["files"] == "not backed up yet"
    assert "files" not in dict(status_rows(WELL | {"files": None}))
