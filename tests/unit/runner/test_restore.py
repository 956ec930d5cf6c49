"""What `roost restore` is asked for and what it refuses, and what it tells of what the hosts returned."""

from typing import Any

import pytest

from roost.errors import UsageError
from roost.events import Status
from roost.restore import Repository, Restore, utc_moment
from roost.restored import RestoreCollector
from tests.unit.runner import result


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-26 14:05:00", "2026-11-26 14:05:00+00"),
        ("2026-11-26 14:05", "2026-11-26 14:05:00+00"),
        ("2026-11-26T14:05:09Z", "2026-11-26 14:05:09+00"),
        ("2026-11-26 14:05 UTC", "2026-11-26 14:05:00+00"),
        ("2026-11-26 14:05:00+00", "2026-11-26 14:05:00+00"),
        ("2026-11-26 00:05+01:00", "2026-11-25 23:05:00+00"),
        ("2026-11-26 20:05:00 -0430", "2026-11-27 00:35:00+00"),
        (" 2026-11-26 14:05 ", "2026-11-26 14:05:00+00"),
    ],
)
def test_a_time_is_passed_on_in_utc(text: str, moment: str) -> None:
    assert utc_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-26",
        "14:05",
        "26.11.2026 14:05",
        "2026-11-31 14:05",
        "2026-11-26 25:05",
        "2026-11-26 14:05:00.5",
        "2026-11-26 14:05 CET",
        "2026-11-26 14:05+25:00",
        "0001-01-01 00:00+02:00",
        "2026-11-26 14:05\n{{ 1 }}",
    ],
)
def test_what_is_no_time_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="is no date and time such as"):
        utc_moment(text)


@pytest.mark.parametrize(
    ("asked", "variables"),
    [
        (Restore(), {}),
        (
            Restore(files="atlas", label="e8afe109"),
            {"backup_restore_files": "atlas", "backup_restore_label": "e8afe109"},
        ),
        (Restore(files="atlas", undo=True), {"backup_restore_action": "undo", "backup_restore_files": "atlas"}),
        (Restore(to="2026-11-26 14:05"), {"backup_restore_to": "2026-11-26 14:05:00+00"}),
        (
            Restore(label="20261126-150009F_20261127-030000I", repository=Repository.OFFSITE),
            {"backup_restore_label": "20261126-150009F_20261127-030000I", "backup_restore_from": "offsite"},
        ),
        (
            Restore(to="2026-11-26 14:05", database="atlas", into="atlas-before", table="public.notes"),
            {
                "backup_restore_to": "2026-11-26 14:05:00+00",
                "backup_restore_database": "atlas",
                "backup_restore_into": "atlas-before",
                "backup_restore_table": "public.notes",
            },
        ),
        (Restore(confirm=True), {"backup_restore_action": "confirm"}),
        (Restore(undo=True), {"backup_restore_action": "undo"}),
        (Restore(without_receiver=True), {"backup_restore_asks_receiver": False}),
    ],
)
def test_only_what_was_asked_for_is_passed_on(asked: Restore, variables: dict[str, Any]) -> None:
    assert asked.variables() == variables
    assert {type(value) for value in asked.variables().values()} <= {str, bool}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Restore(to="2026-11-26 14:05", label="20261126-150009F"), "leave out --backup"),
        (Restore(to=""), "'' is no date and time"),
        (Restore(table="notes"), "--table needs --database"),
        (Restore(into="atlas_before"), "--into needs --database"),
        (Restore(into="atlas_before", table="notes"), "--into needs --database"),
        (Restore(database="atlas"), "--database needs --into"),
        (Restore(database="atlas", table="notes"), "--database needs --into"),
        (Restore(confirm=True, undo=True), "choose one of them"),
        (Restore(confirm=True, to="2026-11-26 14:05"), "--confirm ends an earlier restore"),
        (Restore(confirm=True, label="20261126-150009F"), "--confirm ends an earlier restore"),
        (Restore(undo=True, repository=Repository.LOCAL), "--undo ends an earlier restore"),
        (Restore(undo=True, database="atlas", into="atlas_before"), "--undo ends an earlier restore"),
        (Restore(label="latest"), "'latest' can't be the label"),
        (Restore(label=""), "'' can't be the label"),
        (Restore(files="atlas", label="20261126-150009F"), "can't be the label"),
        (Restore(files="atlas", database="atlas", into="other"), "--files and --database are two restores"),
        (Restore(database="{{ x }}", into="atlas_before"), "can't be the name of a database"),
        (Restore(database="atlas", into=""), "'' can't be the name of a database"),
        (Restore(database="atlas", into="x" * 64), "can't be the name of a database"),
        (Restore(database="atlas", into="--clean"), "can't be the name of a database"),
        (Restore(database="atlas", into="atlas_before", table="a.b.c"), "can't be the name of a table"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Restore, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked.variables()


def test_a_restore_tells_its_sentences() -> None:
    told: dict[str, Any] = {"changed": True, "told": ["Restores 20261126-150009F.", "5 min are lost."], "kept": "/kept"}
    collector = RestoreCollector()
    assert not collector.changes
    collector(result("postgresql_restore", told))
    collector(result("debug", told | {"told": ["something else"]}))
    assert collector.changes
    assert list(collector.lines()) == ["vm1: Restores 20261126-150009F.", "vm1: 5 min are lost."]
    assert collector.data() == [{"host": "vm1", **told}]


@pytest.mark.parametrize(
    ("returned", "status"), [({"told": ["x"], "changed": True, "kept": ""}, Status.FAILED), ({}, Status.SKIPPED)]
)
def test_a_restore_that_failed_or_was_skipped_tells_nothing(returned: dict[str, Any], status: Status) -> None:
    collector = RestoreCollector()
    collector(result("postgresql_restore", returned, status))
    assert collector.hosts == {}
