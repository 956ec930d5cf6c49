"""What a glance at a host says of its backups."""

import json
import os
from pathlib import Path

import pytest
from ansible.module_utils.roost_backup import health as health_module
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.health import health, iso
from ansible.module_utils.roost_backup.state import State, changed

from tests.unit.backup.made import DAY, FIRST_NIGHT, FakeCluster

NOW = FIRST_NIGHT + DAY
DRILL = {
    "ok": False,
    "rpo_seconds": 3,
    "rto_seconds": 31,
    "reason": "1 row is missing",
    "ended": FIRST_NIGHT,
    "checks": [],
}


class Host:
    """A host with backups declared; `found` is what is known of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declared, self.remembered = folder / "backup.json", folder / "state.json"
        wanted = {"repositories": ["local", "offsite"], "late_after_seconds": 90000, "drill_late_after_seconds": 0}
        self.declared.write_text(json.dumps(wanted))
        os.utime(self.declared, (FIRST_NIGHT, FIRST_NIGHT))

    def remember(self, **what: object) -> None:
        with changed(self.remembered, self.folder / "metrics") as known:
            vars(known).update(vars(State(**what)))

    def found(self) -> dict[str, object]:
        found: dict[str, object] | None = health(NOW, self.declared, self.remembered)
        assert found is not None
        return found


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    cluster = FakeCluster(tmp_path)
    monkeypatch.setattr(cluster, "sql", lambda _: "f")
    monkeypatch.setattr(health_module, "find_cluster", lambda: cluster)
    return cluster


@pytest.fixture
def host(tmp_path: Path, cluster: FakeCluster) -> Host:
    assert cluster.running
    return Host(tmp_path)


def test_where_no_backups_are_declared_there_is_nothing_to_say(host: Host) -> None:
    host.declared.unlink()
    assert health(NOW, host.declared, host.remembered) is None


def test_before_the_first_backup(host: Host) -> None:
    assert host.found() == {
        "last": "",
        "age_seconds": None,
        "first_age_seconds": DAY,
        "late_after_seconds": 90000,
        "failed": "",
        "broken": [],
        "drill": {},
        "drill_late_after_seconds": 0,
        "archiving_waiting": 0,
        "archiving_failing": False,
    }


def test_the_last_backup_is_that_of_the_repository_furthest_behind(host: Host) -> None:
    host.remember(repositories={name: _last(ago) for name, ago in (("local", 60), ("offsite", 3600), ("gone", 9999))})
    found = host.found()
    assert (found["last"], found["age_seconds"]) == ("2026-01-06T01:30:00Z", 3600)


def test_a_repository_without_a_backup_leaves_none_to_count_on(host: Host) -> None:
    host.remember(repositories={"local": _last(60)})
    assert (host.found()["last"], host.found()["age_seconds"]) == ("", None)


def test_what_is_wrong_is_told(host: Host) -> None:
    broken = {"local": {"b": "1 missing"}, "offsite": {"a": "invalid"}}
    host.remember(failed=NOW - 60, reason="no room", broken_in=broken, drill=DRILL)
    found = host.found()
    assert (found["failed"], found["broken"]) == ("no room", ["a", "b"])
    assert found["drill"] == {
        "ok": False,
        "rpo_seconds": 3,
        "rto_seconds": 31,
        "reason": "1 row is missing",
        "when": "2026-01-05T02:30:00Z",
        "age_seconds": DAY,
    }


def test_an_old_reason_is_no_failure(host: Host) -> None:
    host.remember(failed=0, reason="no room")
    assert host.found()["failed"] == ""


@pytest.mark.parametrize(("answer", "failing"), [("t", True), ("f", False)])
def test_the_archive_is_asked_for(
    host: Host, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, answer: str, failing: bool
) -> None:
    monkeypatch.setattr(cluster, "sql", lambda _: answer)
    cluster.archiving = 7
    assert (host.found()["archiving_waiting"], host.found()["archiving_failing"]) == (7, failing)


def test_that_postgresql_is_down_is_told_elsewhere(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise BackupError("this host has no cluster")

    monkeypatch.setattr(health_module, "find_cluster", down)
    assert (host.found()["archiving_waiting"], host.found()["archiving_failing"]) == (0, False)


def test_times() -> None:
    assert (iso(0), iso(FIRST_NIGHT)) == ("", "2026-01-05T02:30:00Z")


def _last(ago: int) -> dict[str, object]:
    return {"label": "x", "kind": "full", "seconds": 1, "stored_bytes": 1, "ended": NOW - ago}
