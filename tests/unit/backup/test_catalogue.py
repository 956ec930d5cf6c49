"""What `pgbackrest info` prints, and what is read in it."""

import json
from typing import Any

import pytest
from ansible.module_utils.roost_backup.catalogue import Backup, parse

FULL = "20261126-150009F"
DIFF = f"{FULL}_20261126-150011D"
SYSTEM_ID = 7577024213369832561


def entry(label: str, key: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "archive": {"start": "000000010000000000000004", "stop": "000000010000000000000005"},
        "database": {"id": 1, "repo-key": key},
        "error": False,
        "info": {"delta": 30934219, "repository": {"delta": 3891024, "size": 4091024}, "size": 30934219},
        "label": label,
        "lsn": {"start": "0/4000028", "stop": "0/5000050"},
        "prior": None,
        "reference": None,
        "timestamp": {"start": 1795705209, "stop": 1795705211},
        "type": "full",
    } | changes


def info(*backups: dict[str, Any], **statuses: tuple[int, str]) -> list[dict[str, Any]]:
    """A stanza in two repositories; `statuses` are by the names `repo1` and `repo2`."""
    told = {"repo1": (0, "ok"), "repo2": (0, "ok")} | statuses
    return [
        {
            "archive": [
                {
                    "database": {"id": 1, "repo-key": key},
                    "id": "15-1",
                    "max": "000000010000000000000007",
                    "min": "000000010000000000000004",
                }
                for key in (1, 2)
            ],
            "backup": list(backups),
            "cipher": "aes-256-cbc",
            "db": [
                {"id": 1, "repo-key": 1, "system-id": SYSTEM_ID, "version": "15"},
                {"id": 1, "repo-key": 2, "system-id": 11, "version": "14"},
                {"id": 2, "repo-key": 2, "system-id": SYSTEM_ID, "version": "15"},
            ],
            "name": "main",
            "repo": [
                {"cipher": "aes-256-cbc", "key": int(name[-1]), "status": {"code": code, "message": message}}
                for name, (code, message) in told.items()
            ],
            "status": {"code": 0, "lock": {"backup": {"held": False}}, "message": "ok"},
        }
    ]


def test_a_full_and_a_differential_backup() -> None:
    later = {"start": 1795705211, "stop": 1795705212}
    found = parse(info(entry(FULL), entry(DIFF, type="diff", reference=[FULL], prior=FULL, timestamp=later)), 1)
    assert (found.exists, found.problem, found.system_ids) == (True, "", (SYSTEM_ID,))
    assert found.archive_end == "000000010000000000000007"
    assert found.backups[0] == Backup(
        label=FULL,
        kind="full",
        started=1795705209,
        ended=1795705211,
        database_bytes=30934219,
        stored_bytes=3891024,
        needs=frozenset(),
        damaged=False,
        archive_start="000000010000000000000004",
    )
    assert found.newest is not None
    assert (found.newest.label, found.newest.kind, found.newest.needs) == (DIFF, "diff", {FULL})


def test_backups_come_in_the_order_of_their_time() -> None:
    late = entry("20261119-010000F")
    early = entry("20261119-020000F", timestamp={"start": 1795053600, "stop": 1795053700})
    assert [backup.label for backup in parse(info(entry(FULL), early, late), 1).backups] == [
        "20261119-020000F",
        "20261119-010000F",
        FULL,
    ]


def test_each_repository_has_its_own_backups_clusters_and_state() -> None:
    told = info(entry(FULL), entry("20261126-160000F", 2), repo2=(99, "[FormatError] unable to load info file"))
    first, second = parse(told, 1), parse(told, 2)
    assert [backup.label for backup in first.backups] == [FULL]
    assert [backup.label for backup in second.backups] == ["20261126-160000F"]
    assert second.system_ids == (11, SYSTEM_ID)
    assert (first.problem, second.problem) == ("", "[FormatError] unable to load info file")


@pytest.mark.parametrize(
    "told",
    [
        [],
        [{"backup": [], "db": [], "name": "main", "repo": [{"key": 1, "status": {"code": 1, "message": "missing"}}]}],
        info(repo1=(1, "missing stanza path")),
        [{"backup": [], "db": [], "name": "main", "repo": [{"key": 2, "status": {"code": 0, "message": "ok"}}]}],
        [{"name": "main", "status": {"code": 1, "message": "missing stanza path"}}],
    ],
    ids=["nothing at all", "no such stanza", "not in this repository", "another repository alone", "no more than that"],
)
def test_a_repository_that_is_not_prepared_does_not_exist_and_that_is_no_problem(told: list[dict[str, Any]]) -> None:
    found = parse(told, 1)
    assert (found.exists, found.problem, found.backups, found.newest) == (False, "", (), None)


def test_one_that_is_prepared_and_empty_exists() -> None:
    found = parse(info(repo1=(2, "no valid backups")), 1)
    assert (found.exists, found.problem, found.newest) == (True, "", None)


def test_another_error_is_told() -> None:
    assert parse(info(repo1=(3, "missing stanza data")), 1).problem == "missing stanza data"


@pytest.mark.parametrize(("error", "damaged"), [(True, True), (False, False), (None, False)])
def test_damaged_pages_are_seen(error: bool | None, damaged: bool) -> None:
    assert parse(info(entry(FULL, error=error)), 1).backups[0].damaged is damaged


def test_what_one_version_leaves_out_another_tells() -> None:
    told = info(entry(FULL, info={"size": 7, "repository": {"size": 5}}, archive={"start": None, "stop": None}))
    told[0]["backup"][0].pop("error")
    found = parse(json.loads(json.dumps(told)), 1).backups[0]
    assert (found.stored_bytes, found.archive_start, found.damaged) == (5, "", False)
