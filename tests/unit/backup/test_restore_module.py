"""postgresql_restore, without a host: what it refuses, what it tells, and what it does in which order."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.roost_backup import restoring
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.received import Received
from ansible.module_utils.roost_backup.restoring import InPlace

from tests.unit.backup.conftest import ModuleHost
from tests.unit.backup.made import diff, full

BASE = full(0)
NEWEST = diff(0.5, BASE)
COMMITTED = "2026-01-06 02:30:00"


@pytest.fixture
def host(module_host: ModuleHost, monkeypatch: pytest.MonkeyPatch) -> ModuleHost:
    module_host.local.backups = [BASE, NEWEST]
    moments = itertools.count(10)
    clock = SimpleNamespace(gmtime=lambda: None, strftime=lambda *_: f"20261126T1500{next(moments)}Z")
    monkeypatch.setattr(restoring, "time", clock)
    monkeypatch.setattr(restoring, "run", lambda argv: Path(argv[-1]).mkdir())
    module_host.instead["InPlace"] = lambda _: in_place(module_host)
    return module_host


def in_place(host: ModuleHost) -> InPlace:
    return InPlace(host.cluster, host.folder / "state" / "restore.json")


def restore(host: ModuleHost, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    return host.run("postgresql_restore", check=check, **arguments)


def untouched(host: ModuleHost) -> bool:
    return host.cluster.what == "before" and host.cluster.running and "stop" not in host.cluster.asked


WHOLE = f"The whole cluster comes from the diff backup {NEWEST.label} of local, replayed to the end of the archive."


def test_nothing_is_done_before_somebody_has_agreed(host: ModuleHost) -> None:
    result = restore(host)
    assert result["failed"]
    assert result["msg"].splitlines() == [
        f"Not restored: {WHOLE}",
        "What is committed until PostgreSQL stops is archived first.",
        "Nothing was done: agree with -e backup_restore_confirmed=true.",
    ]
    assert untouched(host)
    assert restore(host, action="confirm")["msg"].startswith("Not restored: Nothing was done")
    assert restore(host, action="undo")["msg"].startswith("Not restored: Nothing was done")


def test_check_mode_tells_what_would_be_lost(host: ModuleHost) -> None:
    result = restore(host, check=True, to="2026-01-05 12:00:00+00", confirmed=True)
    assert (result["failed"], result["changed"], result["kept"]) == (False, True, "")
    assert result["told"] == [
        f"The whole cluster comes from the full backup {BASE.label} of local, replayed to 2026-01-05 12:00:00 UTC.",
        f"What was committed from 2026-01-05 12:00:00 UTC to {COMMITTED} UTC is lost.",
    ]
    assert untouched(host)


def test_check_mode_of_the_other_actions_tells_what_is_kept_aside(host: ModuleHost) -> None:
    assert restore(host, check=True, action="undo")["told"] == ["Nothing was kept aside."]
    (host.folder / "main.before-x").mkdir()
    assert restore(host, check=True, action="confirm")["told"] == [f"Kept aside: {host.folder}/main.before-x."]


def test_the_whole_cluster_is_restored_to_the_end_of_the_archive(host: ModuleHost) -> None:
    result = restore(host, confirmed=True)
    assert not result["failed"]
    assert result["kept"] == str(host.folder / "main.before-20261126T150010Z")
    assert result["told"][0] == WHOLE
    assert result["told"][-1].startswith(f"What was there before is kept in {result['kept']}")
    assert host.cluster.asked[:3] == ["postgres: SELECT pg_switch_wal()", "wait for the archive", "stop"]
    assert host.local.asked == [f"restore {NEWEST.label}"]
    assert (host.cluster.what, host.stanzas) == ("restored", 1)


def test_a_moment_is_restored_without_archiving_what_comes_after_it(host: ModuleHost) -> None:
    assert not restore(host, confirmed=True, to="2026-01-05 20:00:00+00")["failed"]
    assert host.cluster.asked[0] == "stop"
    assert host.local.asked == [f"restore {NEWEST.label} 2026-01-05 20:00:00+00"]


def test_a_moment_after_the_last_commit_is_the_end_of_the_archive(host: ModuleHost) -> None:
    result = restore(host, confirmed=True, to="2026-01-07 00:00:00+00")
    assert result["told"][1] == f"Nothing was committed after that; the last commit was at {COMMITTED} UTC."
    assert host.cluster.asked[:2] == ["postgres: SELECT pg_switch_wal()", "wait for the archive"]
    assert host.local.asked == [f"restore {NEWEST.label}"]


def test_a_cluster_that_is_down_is_restored_with_what_is_archived(host: ModuleHost) -> None:
    host.cluster.running = False
    result = restore(host, confirmed=True)
    assert result["told"][1] == "PostgreSQL is down: what was committed after the last archived WAL is lost."
    assert host.cluster.asked[0] == "stop"
    assert host.cluster.running


def test_what_a_receiver_has_is_told_and_laid_beside_what_was_restored(
    host: ModuleHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[tuple[Received, str]] = []
    archived: list[Path] = []
    monkeypatch.setattr(Received, "lay_beside", lambda self, data: laid.append((self, (data / "what").read_text())))
    monkeypatch.setattr(Received, "archive_from", lambda _, folder: archived.append(folder))
    host.cluster.running = False
    names = ["000000010000000000000006", "000000010000000000000007.partial"]
    told = restore(host, check=True, received_names=names)["told"]
    assert told[1:] == [
        "PostgreSQL is down.",
        "What was committed after the last archived WAL comes from the receiver (2 files).",
    ]
    assert laid == []
    result = restore(host, confirmed=True, received_names=names, received="/received.tar.gz")
    assert result["told"][1:3] == told[1:]
    assert laid == [(Received(Path("/received.tar.gz"), names), "restored\n")]
    assert archived == [host.folder / "main.received"]


def test_what_can_not_be_archived_of_it_is_told(host: ModuleHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_received: Received, _folder: Path) -> None:
        raise BackupError("the server can't be reached")

    monkeypatch.setattr(Received, "lay_beside", lambda *_: None)
    monkeypatch.setattr(Received, "archive_from", refuse)
    host.cluster.running = False
    result = restore(host, confirmed=True, received_names=["0" * 24], received="/received.tar.gz")
    assert not result["failed"]
    assert result["told"][-1] == (
        "What the receiver gave could not be archived, so make a full backup now: the server can't be reached"
    )


@pytest.mark.parametrize(
    ("running", "system_id", "arguments", "wanted"),
    [
        (False, 1, {}, True),
        (True, 2, {}, True),
        (False, 1, {"to": "2026-01-06 03:00:00+00"}, True),
        (True, 1, {}, False),
        (False, 1, {"label": NEWEST.label}, False),
        (False, 1, {"database": "atlas", "into": "before"}, False),
    ],
)
def test_a_receiver_is_asked_for_what_the_cluster_does_not_archive_itself(
    host: ModuleHost, running: bool, system_id: int, arguments: dict[str, Any], wanted: bool
) -> None:
    host.local.archive_end = "000000010000000000000005"
    host.cluster.running = running
    host.cluster.number = system_id
    result = restore(host, action="locate", **arguments)
    assert (result["failed"], result["changed"]) == (False, False)
    found = (result["system_id"], result["archive_end"])
    assert found == (("1", "000000010000000000000005") if wanted else ("", ""))
    assert host.cluster.what == "before"


def test_a_restore_that_was_interrupted_is_undone_first(host: ModuleHost) -> None:
    kept = host.folder / "main.before-20261126T145900Z"
    host.cluster.data.rename(kept)
    host.cluster.data.mkdir()
    in_place(host)._write_journal(kept, None)
    result = restore(host, confirmed=True)
    assert result["told"][:2] == ["A restore that was interrupted has been undone before.", WHOLE]
    assert (Path(result["kept"]) / "what").read_text() == "before\n"
    assert not kept.exists()


def test_a_restore_that_fails_is_told_with_what_became_of_it(host: ModuleHost) -> None:
    host.cluster.refuses = {"restored"}
    result = restore(host, confirmed=True)
    assert result["msg"] == "Not restored: PostgreSQL did not start\nWhat was there before is back."
    assert (host.cluster.what, host.cluster.running, host.stanzas) == ("before", True, 0)


def test_repositories_that_can_not_be_prepared_afterwards_are_told(host: ModuleHost) -> None:
    host.unprepared = "offsite: the server can't be reached"
    result = restore(host, confirmed=True)
    assert not result["failed"]
    assert result["told"][-1] == f"The repositories could not be prepared for what comes: {host.unprepared}"


def test_undo_and_confirm(host: ModuleHost) -> None:
    restore(host, confirmed=True)
    undone = restore(host, confirmed=True, action="undo")
    assert undone["told"] == [f"The state before is back; what the restore brought is kept in {undone['kept']}."]
    assert host.cluster.what == "before"
    assert restore(host, confirmed=True, action="confirm")["told"] == [f"Removed {undone['kept']}."]
    assert restore(host, confirmed=True, action="confirm")["told"] == ["Nothing was kept aside."]
    assert restore(host, confirmed=True, action="undo")["failed"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"to": "2126-01-01 00:00:00+00"}, "2126-01-01 00:00:00+00 is in the future"),
        ({"to": "yesterday"}, "yesterday is not a moment such as 2026-11-26 14:05:00+00"),
        ({"to": "2026-01-05 12:00:00"}, "2026-01-05 12:00:00 names no zone, as 2026-11-26 14:05:00+00 does"),
        ({"to": "2026-01-01 00:00:00+00"}, "no repository (local, offsite) has a sound backup from before that moment"),
        ({"source": "elsewhere"}, "there is no repository elsewhere; there are: local, offsite"),
        ({"repositories": []}, "no backups are declared for this host"),
        ({"source": "offsite"}, "no repository (offsite) has a sound backup"),
        ({"label": "x"}, f"there is no backup x; there are: {BASE.label}, {NEWEST.label}"),
        ({"database": "a;b", "into": "c"}, "'a;b' is not a plain name"),
        ({"database": "a", "into": "-c"}, "'-c' is not a plain name"),
        ({"database": "a", "into": "c", "table": "t u"}, "'t u' is not a plain name"),
        (
            {"database": "atlas", "into": "postgres"},
            "there is a database postgres already: choose another name, or drop it first",
        ),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_can_not_be_restored_is_refused(
    host: ModuleHost, arguments: dict[str, Any], told: str, check: bool
) -> None:
    result = restore(host, check=check, confirmed=True, **arguments)
    assert result["failed"]
    assert result["msg"] == f"Not restored: {told}"
    assert untouched(host)


def test_without_room_it_is_refused_in_check_mode_already(host: ModuleHost) -> None:
    host.local.backups = [full(0, database_bytes=2**60)]
    assert "beside the present one" in restore(host, check=True)["msg"]
    assert untouched(host)


def test_the_next_repository_serves_if_the_first_is_out_of_reach(host: ModuleHost) -> None:
    host.local.unreachable = True
    assert restore(host, confirmed=True)["msg"] == (
        "Not restored: no repository (offsite) has a sound backup; local: the server can't be reached"
    )
    host.offsite.backups = [BASE]
    assert restore(host, confirmed=True)["told"][0].startswith(
        f"The whole cluster comes from the full backup {BASE.label} of offsite"
    )
    assert host.offsite.asked == [f"restore {BASE.label}"]


def test_a_broken_backup_is_passed_over(host: ModuleHost) -> None:
    host.remember(broken_in={"local": {NEWEST.label: "1 missing"}})
    restore(host, confirmed=True)
    assert host.local.asked == [f"restore {BASE.label}"]


def test_a_database_comes_beside_the_present_ones(host: ModuleHost) -> None:
    done: list[tuple[Any, ...]] = []

    class FakeBeside:
        def __init__(self, _: Any, *what: Any) -> None:
            self.what = what

        def refuse_if_it_exists(self) -> None:
            done.append(("refuse_if_it_exists", *self.what[:2]))

        def restore(self, repository: Any, choice: Any, until: str) -> None:
            done.append((repository.name, choice.backup, until, *self.what))

    host.instead["Beside"] = FakeBeside
    wanted: dict[str, Any] = {
        "database": "atlas",
        "into": "atlas_old",
        "table": "public.notes",
        "to": "2026-01-05 20:00:00+00",
    }
    result = restore(host, confirmed=True, memory_mb=64, **wanted)
    assert result["told"] == [
        f"public.notes of atlas comes from the diff backup {NEWEST.label} of local, "
        "replayed to 2026-01-05 20:00:00 UTC, into the new database atlas_old."
    ]
    assert done == [
        ("refuse_if_it_exists", "atlas", "atlas_old"),
        ("local", NEWEST, wanted["to"], "atlas", "atlas_old", "public.notes", 64),
    ]
    assert untouched(host)


def test_another_cluster_is_not_archived_before_it_is_replaced(host: ModuleHost) -> None:
    host.local.system_ids = (2,)
    result = host.run("postgresql_restore", confirmed=True)
    assert result["told"][1] == "The present cluster is another one than was backed up. It is kept aside."
    assert "wait for the archive" not in host.cluster.asked
