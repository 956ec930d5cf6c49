"""What `roost backup`, `roost backups` and `roost drill` tell of what the hosts returned."""

from typing import Any

import pytest

from roost.backed_up import BackupCollector
from roost.backups import BackupsCollector, backup_notes, backup_rows, files_notes, files_rows
from roost.drilled import DrillCollector
from roost.events import Status
from tests.unit.runner import result

FULL: dict[str, Any] = {
    "label": "20261126-150009F",
    "kind": "full",
    "ended": "2026-11-26T15:00:12Z",
    "database_bytes": 30_000_000,
    "stored_bytes": 4_080_640,
    "broken": "",
}
DIFF = FULL | {"label": "20261126-150009F_20261127-030000D", "kind": "diff", "ended": "2026-11-27T03:00:02Z"}
LOCAL: dict[str, Any] = {"name": "local", "problem": "", "since": "2026-11-26T15:00:12Z", "backups": [FULL, DIFF]}
OFFSITE = LOCAL | {"name": "offsite", "backups": [FULL]}
DRILL: dict[str, Any] = {
    "when": "2026-11-27T04:00:00Z",
    "ok": True,
    "backup": "20261126-150009F",
    "repository": "offsite",
    "rpo_seconds": 0,
    "rto_seconds": 125,
    "reason": "",
}
FOUND: dict[str, Any] = {
    "repositories": [LOCAL, OFFSITE],
    "last": {"succeeded": "2026-11-27T03:00:02Z", "failed": "", "reason": ""},
    "drill": DRILL,
    "archiving": {"working": True, "waiting": 2, "reason": ""},
    "kept_aside": [{"path": "/var/lib/postgresql/kept", "when": "2026-11-27T01:00:00Z", "bytes": 31_457_280}],
}
MADE: dict[str, Any] = {
    "changed": True,
    "kind": "full",
    "backups": [
        {"repository": name, "label": "20261126-150009F", "kind": "full", "seconds": 3.2, "stored_bytes": 4_080_640}
        for name in ("local", "offsite")
    ],
    "expired": ["20261019-150009F"],
    "told": ["1 backup was older than 30 days and is gone."],
}
FILES_MADE: dict[str, Any] = {
    "changed": True,
    "files": [
        {
            "repository": "offsite",
            "name": "atlas",
            "label": "e8afe109",
            "seconds": 3.2,
            "files": 4,
            "file_bytes": 3_000_100,
            "added_bytes": 1796,
        }
    ],
}
FILES_FOUND: dict[str, Any] = {
    "repositories": [
        {
            "name": "offsite",
            "problem": "",
            "snapshots": [
                {"label": "e8afe109", "name": "atlas", "taken": "2026-11-26T19:24:14Z"},
                {"label": "d447a075", "name": "atlas", "taken": "2026-11-27T19:24:14Z"},
            ],
        },
        {"name": "local", "problem": "local: it can't be written to", "snapshots": []},
    ],
    "last": {"failed": "2026-11-27T19:25:00Z", "reason": "no room"},
    "kept_aside": ["/srv/atlas/media.before-20261127T192400Z"],
}


def notes(**changes: Any) -> list[tuple[str, bool]]:
    return [("".join(line.cells), line.bad) for line in backup_notes(FOUND | changes)]


def test_a_backup_is_told_for_each_repository() -> None:
    collector = BackupCollector()
    collector(result("postgresql_backup", MADE))
    collector(result("debug", MADE | {"told": ["something else"]}))
    assert list(collector.lines()) == [
        "vm1: full backup 20261126-150009F to local, 3.9 MiB in 3 s",
        "vm1: full backup 20261126-150009F to offsite, 3.9 MiB in 3 s",
        "vm1: 1 backup was older than 30 days and is gone.",
    ]
    assert collector.data() == [
        {"host": "vm1", **{key: MADE[key] for key in MADE if key != "changed"}, "dumps": [], "files": []}
    ]


def test_what_was_made_of_files_is_told_with_the_databases() -> None:
    collector = BackupCollector()
    for module, returned in (("files_backup", FILES_MADE), ("postgresql_backup", MADE)):
        collector(result(module, returned))
    told = "vm1: files of atlas as e8afe109 to offsite, 2.9 MiB, 1.8 KiB of it new, in 3 s"
    assert told in list(collector.lines())
    assert (collector.data()[0]["files"], collector.data()[0]["kind"]) == (FILES_MADE["files"], "full")


def test_a_dump_of_a_database_elsewhere_is_told() -> None:
    collector = BackupCollector()
    made = {"name": "atlas", "file": "/var/backups/atlas.dump", "ended": 1.0, "seconds": 3.2, "bytes": 3 * 2**20}
    collector(result("database_dumps", {"dumps": [made]}))
    assert list(collector.lines()) == ["vm1: dump of atlas as /var/backups/atlas.dump, 3.0 MiB in 3 s"]


def test_a_host_with_files_alone_is_told() -> None:
    collector = BackupCollector()
    collector(result("files_backup", FILES_MADE))
    assert len(list(collector.lines())) == 1


@pytest.mark.parametrize(
    ("returned", "status"), [(MADE, Status.FAILED), ({"skip_reason": "check mode"}, Status.SKIPPED), ({}, Status.OK)]
)
def test_a_backup_that_was_not_made_is_not_told(returned: dict[str, Any], status: Status) -> None:
    collector = BackupCollector()
    collector(result("postgresql_backup", returned, status))
    assert list(collector.lines()) == []


def test_backups_are_shown_the_newest_first() -> None:
    rows = [row.cells for row in backup_rows(FOUND)]
    assert [(label, where) for label, *_, where, _ in rows] == [
        (DIFF["label"], "local"),
        (FULL["label"], "local"),
        (FULL["label"], "offsite"),
    ]
    shown = ("differential", "2026-11-27 03:00 UTC", "28.6 MiB (3.9 MiB stored)", "local", "good")
    assert rows[0][1:] == shown


def test_files_are_shown_the_newest_first() -> None:
    assert [row.cells for row in files_rows(FILES_FOUND)] == [
        ("d447a075", "atlas", "2026-11-27 19:24 UTC", "offsite"),
        ("e8afe109", "atlas", "2026-11-26 19:24 UTC", "offsite"),
    ]


def test_the_notes_on_files_tell_what_is_wrong_and_kept() -> None:
    assert [("".join(line.cells), line.bad) for line in files_notes(FILES_FOUND)] == [
        ("local: it can't be written to", True),
        ("the backup of files at 2026-11-27 19:25 UTC failed: no room", True),
        ("kept aside by a restore: /srv/atlas/media.before-20261127T192400Z", False),
    ]
    nothing = {"repositories": [{"name": "local", "problem": "", "snapshots": []}], "last": {"failed": ""}}
    assert ["".join(line.cells) for line in files_notes(nothing | {"kept_aside": []})] == [
        "local: no files to restore yet"
    ]


def test_a_broken_backup_stands_out() -> None:
    broken = LOCAL | {"backups": [FULL | {"broken": "a file is not what it was"}]}
    (row,) = backup_rows(FOUND | {"repositories": [broken]})
    assert row.bad
    assert row.cells[-1] == "broken: a file is not what it was"


def test_the_notes_tell_what_can_be_restored_and_how_well() -> None:
    drilled = "backup 20261126-150009F of offsite, 2 min 5 s to restore (RTO), 0 s of data lost (RPO)"
    assert notes() == [
        ("local: any point in time since 2026-11-26 15:00 UTC", False),
        ("offsite: any point in time since 2026-11-26 15:00 UTC", False),
        ("last backup: 2026-11-27 03:00 UTC", False),
        (f"last restore drill: 2026-11-27 04:00 UTC, {drilled}", False),
        ("kept aside by a restore at 2026-11-27 01:00 UTC: /var/lib/postgresql/kept, 30.0 MiB", False),
    ]


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"repositories": [LOCAL | {"problem": "the disk is away."}]}, "local: the disk is away."),
        (
            {"last": FOUND["last"] | {"failed": "2026-11-27T09:00:00Z", "reason": "the disk is full"}},
            "the backup at 2026-11-27 09:00 UTC failed: the disk is full",
        ),
        (
            {"last": {"succeeded": "", "failed": "2026-11-27T09:00:00Z", "reason": "the disk is full"}},
            "the backup at 2026-11-27 09:00 UTC failed: the disk is full",
        ),
        (
            {"archiving": {"working": False, "waiting": 3, "reason": "the disk is full"}},
            "the archive is behind: 3 WAL files wait: the disk is full",
        ),
        ({"archiving": {"working": False, "waiting": 1, "reason": ""}}, "the archive is behind: 1 WAL file waits"),
        (
            {"drill": DRILL | {"ok": False, "reason": "no users"}},
            "the restore drill at 2026-11-27 04:00 UTC failed, with backup 20261126-150009F of offsite: no users",
        ),
        (
            {"drill": DRILL | {"ok": False, "backup": "", "repository": "", "reason": "there is none"}},
            "the restore drill at 2026-11-27 04:00 UTC failed, with no backup: there is none",
        ),
    ],
)
def test_what_is_wrong_stands_out(changes: dict[str, Any], note: str) -> None:
    assert [text for text, bad in notes(**changes) if bad] == [note]


def test_a_failure_before_the_last_backup_is_over() -> None:
    assert notes(last=FOUND["last"] | {"failed": "2026-11-27T02:00:00Z", "reason": "the disk was full"}) == notes()


def test_a_new_host_is_not_wrong() -> None:
    nothing = [LOCAL | {"since": "", "backups": []}]
    last = {"succeeded": "", "failed": "", "reason": ""}
    assert notes(repositories=nothing, last=last, drill={}, kept_aside=[]) == [
        ("local: nothing to restore yet", False),
        ("no backup yet", False),
        ("no restore drill yet", False),
    ]


def test_the_collector_keeps_what_was_found() -> None:
    collector = BackupsCollector()
    collector(result("postgresql_backups", {"found": FOUND}, Status.OK))
    collector(result("debug", {"found": "something else"}, Status.OK))
    collector(result("postgresql_backups", {"msg": "no backups are configured"}, Status.FAILED))
    assert collector.hosts == {"vm1": FOUND}


def test_a_drill_tells_what_it_measured() -> None:
    collector = DrillCollector()
    drill = DRILL | {"checks": ["atlas has 3 tables.", "atlas has 12 users.", "No page is damaged."]}
    collector(result("postgresql_drill", {"changed": True, "drill": drill}))
    collector(result("debug", {"drill": "something else"}))
    told = "backup 20261126-150009F of offsite restores: 2 min 5 s to restore, 0 s of data lost; 3 checks passed"
    assert list(collector.lines()) == [f"vm1: {told}"]
    assert collector.data() == [{"host": "vm1", **drill}]


def test_a_drill_that_failed_is_told_by_its_error_alone() -> None:
    collector = DrillCollector()
    failed = DRILL | {"ok": False, "reason": "no row in users", "checks": []}
    collector(result("postgresql_drill", {"msg": "no row in users", "drill": failed}, Status.FAILED))
    assert list(collector.lines()) == []
    assert collector.data() == [{"host": "vm1", **failed}]
