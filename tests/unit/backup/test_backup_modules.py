"""postgresql_backup, postgresql_stanza, postgresql_backups and postgresql_drill, without a host."""

from typing import Any

import pytest
from ansible.module_utils.roost_backup import backing_up
from ansible.module_utils.roost_backup.errors import BackupError

from tests.unit.backup.conftest import ModuleHost
from tests.unit.backup.made import diff, full

NO_CLUSTER = "this host has no cluster of PostgreSQL that is named main"
GOOD = {"label": "x", "kind": "full", "seconds": 1, "stored_bytes": 1, "ended": 1767580800}


@pytest.mark.parametrize("name", ["backup", "stanza", "backups", "drill", "restore"])
def test_a_host_without_a_cluster_is_told_in_a_sentence(module_host: ModuleHost, name: str) -> None:
    module_host.no_cluster = NO_CLUSTER
    result = module_host.run(f"postgresql_{name}")
    assert result["failed"]
    assert result["msg"].endswith(f": {NO_CLUSTER}")


@pytest.mark.parametrize("name", ["backup", "drill", "restore"])
def test_one_at_a_time(module_host: ModuleHost, name: str) -> None:
    module_host.local.backups = [full(0)]
    with module_host.locked():
        result = module_host.run(f"postgresql_{name}", **({"confirmed": True} if name == "restore" else {}))
    assert result["failed"]
    assert "a backup that began at" in result["msg"]
    assert result["msg"].endswith("is still at work on this host")


# --- postgresql_backup ----------------------------------------------------------------------------------------


def test_a_backup_is_made_in_each_repository(module_host: ModuleHost) -> None:
    result = module_host.run("postgresql_backup")
    assert (result["failed"], result["changed"], result["told"], result["expired"]) == (False, True, [], [])
    assert [(made["repository"], made["kind"]) for made in result["backups"]] == [
        ("local", "full"),
        ("offsite", "full"),
    ]
    assert set(module_host.remembered().repositories) == {"local", "offsite"}


def test_what_a_killed_drill_left_is_removed_first(module_host: ModuleHost) -> None:
    assert module_host.run("postgresql_backup", check=True)["changed"]
    assert module_host.cleared == []
    module_host.run("postgresql_backup")
    assert module_host.cleared == [module_host.cluster]


def test_a_backup_that_fails_fails_the_module(module_host: ModuleHost) -> None:
    module_host.offsite.unreachable = True
    result = module_host.run("postgresql_backup")
    assert result["failed"]
    assert result["msg"] == "The backup failed: offsite: the server can't be reached"
    assert len(module_host.local.backups) == 1


def test_check_mode_makes_none(module_host: ModuleHost) -> None:
    result = module_host.run("postgresql_backup", check=True, kind="diff")
    assert (result["changed"], result["kind"], result["backups"]) == (True, "diff", [])
    assert module_host.local.asked == module_host.offsite.asked == []


@pytest.mark.parametrize(("kind", "made"), [("", "diff"), ("full", "full"), ("diff", "diff")])
def test_the_kind_that_is_asked_for(
    module_host: ModuleHost, monkeypatch: pytest.MonkeyPatch, kind: str, made: str
) -> None:
    monkeypatch.setattr(backing_up.time, "time", lambda: full(1).started)
    for repository in (module_host.local, module_host.offsite):
        repository.backups, repository.day = [full(0)], 1
    module_host.run("postgresql_backup", kind=kind)
    assert [module_host.local.asked[0], module_host.offsite.asked[0]] == [made, made]


def test_the_first_backup_is_made_only_where_there_is_none(module_host: ModuleHost) -> None:
    module_host.local.backups = [full(0)]
    module_host.remember(repositories={"local": GOOD})
    result = module_host.run("postgresql_backup", only_the_first=True)
    assert [made["repository"] for made in result["backups"]] == ["offsite"]
    assert set(module_host.remembered().repositories) == {"local", "offsite"}
    again = module_host.run("postgresql_backup", only_the_first=True)
    assert (again["changed"], again["backups"]) == (False, [])


def test_the_first_backup_of_a_large_cluster_is_left_to_the_night(module_host: ModuleHost) -> None:
    module_host.monkeypatch.setattr(module_host.cluster, "sql", lambda _: str(2**30 + 1))
    result = module_host.run("postgresql_backup", only_the_first=True)
    assert (result["failed"], result["changed"]) == (False, False)
    assert module_host.local.asked == []


def test_a_repository_that_is_not_prepared_waits_for_its_first_backup(module_host: ModuleHost) -> None:
    module_host.local.exists = module_host.offsite.exists = False
    assert not module_host.run("postgresql_backup", only_the_first=True)["changed"]


# --- postgresql_stanza ----------------------------------------------------------------------------------------


def test_what_is_prepared_is_left_alone(module_host: ModuleHost) -> None:
    result = module_host.run("postgresql_stanza")
    assert (result["changed"], result["foreign"], result["warnings"]) == (False, [], [])
    assert module_host.stanzas == 0


@pytest.mark.parametrize(("check", "prepared"), [(False, 1), (True, 0)])
def test_what_is_not_prepared_is(module_host: ModuleHost, check: bool, prepared: int) -> None:
    module_host.offsite.exists = False
    assert module_host.run("postgresql_stanza", check=check)["changed"]
    assert module_host.stanzas == prepared


@pytest.mark.parametrize("ids", [(2,), (1, 2)])
def test_backups_of_another_cluster_are_left_alone(module_host: ModuleHost, ids: tuple[int, ...]) -> None:
    module_host.local.exists = False
    module_host.offsite.system_ids = ids
    result = module_host.run("postgresql_stanza")
    assert (result["failed"], result["changed"], result["foreign"]) == (False, False, ["offsite"])
    assert "The repository offsite holds backups of another cluster" in result["warnings"][0]
    assert module_host.stanzas == 0


def test_a_repository_that_was_in_use_may_be_out_of_reach(module_host: ModuleHost) -> None:
    module_host.offsite.unreachable = True
    assert module_host.run("postgresql_stanza")["msg"] == (
        "The repositories for backups can't be prepared: offsite: the server can't be reached"
    )
    module_host.remember(repositories={"offsite": GOOD})
    result = module_host.run("postgresql_stanza")
    assert (result["failed"], result["changed"]) == (False, False)
    assert result["warnings"] == ["The repository can't be reached: offsite: the server can't be reached"]


# --- postgresql_backups ---------------------------------------------------------------------------------------


@pytest.fixture
def looked_at(module_host: ModuleHost) -> ModuleHost:
    module_host.instead["archive_is_failing"] = lambda: module_host.cluster.sql("") == "t"
    return module_host


def test_the_backups_are_listed_with_what_is_wrong(looked_at: ModuleHost) -> None:
    base = full(0)
    looked_at.local.backups = [base, diff(1, base), full(7)]
    looked_at.offsite.unreachable = True
    looked_at.remember(broken_in={"local": {full(7).label: "1 missing"}}, failed=base.ended, reason="no room")
    result = looked_at.run("postgresql_backups")
    local, offsite = result["found"]["repositories"]
    assert not result["changed"]
    assert local["backups"][2] == {
        "label": full(7).label,
        "kind": "full",
        "ended": "2026-01-12T02:40:00Z",
        "database_bytes": 1000,
        "stored_bytes": 400,
        "broken": "1 missing",
    }
    assert [backup["broken"] for backup in local["backups"]] == ["", "", "1 missing"]
    assert (local["since"], local["problem"]) == ("2026-01-05T02:40:00Z", "")
    assert offsite == {"name": "offsite", "problem": "offsite: the server can't be reached", "since": "", "backups": []}
    assert result["found"]["last"] == {"succeeded": "", "failed": "2026-01-05T02:40:00Z", "reason": "no room"}
    assert result["found"]["archiving"] == {"working": True, "waiting": 0, "reason": ""}
    assert (result["found"]["drill"], result["found"]["kept_aside"]) == ({}, [])


def test_any_moment_since_the_oldest_full_backup_with_its_archive(looked_at: ModuleHost) -> None:
    looked_at.local.backups = [full(week * 7) for week in range(6)]
    found = looked_at.run("postgresql_backups", keep_weekly=2)["found"]
    assert found["repositories"][0]["since"] == "2026-02-02T02:40:00Z"
    looked_at.remember(broken_in={"local": {full(35).label: "1 missing"}})
    found = looked_at.run("postgresql_backups", keep_weekly=2)["found"]
    assert found["repositories"][0]["since"] == "2026-01-26T02:40:00Z"


def test_an_archive_that_fails_and_a_server_that_is_down(looked_at: ModuleHost) -> None:
    looked_at.cluster.archiving = 3
    looked_at.monkeypatch.setattr(looked_at.cluster, "sql", lambda _: "t")
    archiving = looked_at.run("postgresql_backups")["found"]["archiving"]
    assert archiving == {"working": False, "waiting": 3, "reason": "its last attempt failed"}

    def down(_: str) -> str:
        raise BackupError("no")

    looked_at.monkeypatch.setattr(looked_at.cluster, "sql", down)
    archiving = looked_at.run("postgresql_backups")["found"]["archiving"]
    assert archiving == {"working": False, "waiting": 3, "reason": "PostgreSQL does not answer"}


def test_what_restores_have_kept_aside_and_the_last_drill_are_told(looked_at: ModuleHost) -> None:
    kept = looked_at.folder / "main.before-20261126T150000Z"
    (kept / "base").mkdir(parents=True)
    (kept / "base" / "1").write_text("12345")
    looked_at.remember(drill={"ok": True, "ended": full(0).ended, "rpo_seconds": 1, "rto_seconds": 31})
    found = looked_at.run("postgresql_backups")["found"]
    assert [(one["path"], one["bytes"]) for one in found["kept_aside"]] == [(str(kept), 5)]
    assert found["drill"] == {"when": "2026-01-05T02:40:00Z", "ok": True, "rpo_seconds": 1, "rto_seconds": 31}


# --- postgresql_drill -----------------------------------------------------------------------------------------


class FakeDrill:
    """A drill that goes as `outcome` says; `given` is what it was made of."""

    outcome: dict[str, Any] | str = ""
    given: dict[str, Any]

    def __init__(self, **given: Any) -> None:
        type(self).given = given

    def do(self) -> dict[str, Any]:
        if isinstance(self.outcome, str):
            raise BackupError(self.outcome)
        return self.outcome


def drill(host: ModuleHost, outcome: dict[str, Any] | str, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a drill; return the module's result and what the drill was made of."""
    fake: Any = type("Fake", (FakeDrill,), {"outcome": outcome, "given": {}})
    host.instead["Drill"] = fake
    return host.run("postgresql_drill", **arguments), fake.given


WELL = {"backup": "x", "repository": "offsite", "rto_seconds": 31, "rpo_seconds": 2, "checks": ["atlas: 5 rows"]}


def test_a_drill_that_succeeds_is_remembered(module_host: ModuleHost) -> None:
    module_host.remember(broken_in={"local": {"y": "1 missing"}})
    asked = [{"database": "atlas", "sql": ["SELECT true"]}]
    result, given = drill(module_host, WELL, assertions=asked, memory_mb=64)
    assert (result["failed"], result["changed"]) == (False, True)
    assert {key: result["drill"][key] for key in WELL} == WELL
    assert result["drill"]["ok"] is module_host.remembered().drill["ok"] is True
    assert module_host.remembered().drill["rto_seconds"] == 31
    # The last repository is the one that is farthest away.
    assert (given["repository"].name, given["broken"], given["memory_mb"]) == ("offsite", ["y"], 64)
    assert given["assertions"] == {"atlas": ["SELECT true"]}


def test_a_drill_that_fails_is_remembered_too(module_host: ModuleHost) -> None:
    drill(module_host, WELL)
    result, _ = drill(module_host, "`SELECT true` says f instead of true")
    assert result["msg"] == "The restore drill failed: `SELECT true` says f instead of true"
    remembered = module_host.remembered().drill
    assert (remembered["ok"], remembered["reason"]) == (False, "`SELECT true` says f instead of true")
    assert remembered["repository"] == result["drill"]["repository"] == "offsite"
    assert remembered["ended"] > 1.7e9


def test_check_mode_drills_nothing(module_host: ModuleHost) -> None:
    result, given = drill(module_host, WELL, check=True)
    assert (result["changed"], result["drill"], given) == (True, {}, {})
    assert module_host.remembered().drill == {}
