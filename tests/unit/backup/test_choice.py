"""Which backup a restore begins with."""

from dataclasses import replace

import pytest
from ansible.module_utils.roost_backup.choice import Choice, choose
from ansible.module_utils.roost_backup.errors import BackupError

from tests.unit.backup.made import diff, full, holding

OLD, NEW = full(0), full(7)
ON_OLD = diff(1, OLD)
NEWEST = diff(8, NEW)
LOCAL = holding(OLD, ON_OLD, NEW, NEWEST)
FAR = full(9)


def test_the_newest_of_the_first_repository_is_chosen() -> None:
    assert choose({"local": LOCAL, "offsite": holding(FAR)}, ()) == Choice("local", NEWEST, 1)


@pytest.mark.parametrize(
    ("broken", "chosen"),
    [({NEWEST.label}, NEW), ({NEW.label}, ON_OLD), ({NEW.label, ON_OLD.label}, OLD)],
)
def test_neither_a_broken_one_nor_what_builds_on_it(broken: set[str], chosen: object) -> None:
    assert choose({"local": LOCAL}, broken).backup == chosen


def test_a_backup_of_damaged_pages_is_not_chosen() -> None:
    assert choose({"local": holding(OLD, replace(NEW, damaged=True))}, ()).backup == OLD


def test_the_next_repository_serves_where_the_first_has_none() -> None:
    assert choose({"local": holding(), "offsite": holding(FAR)}, ()) == Choice("offsite", FAR, 1)
    assert choose({"local": holding(OLD), "offsite": holding(FAR)}, {OLD.label}) == Choice("offsite", FAR, 1)


def test_a_moment_needs_a_backup_that_ended_before_it() -> None:
    assert choose({"local": LOCAL}, (), until=NEW.ended).backup == NEW
    assert choose({"local": LOCAL}, (), until=NEW.ended - 1).backup == ON_OLD
    with pytest.raises(BackupError, match=r"^no repository \(local\) has a sound backup from before that moment$"):
        choose({"local": LOCAL}, (), until=OLD.ended - 1)


def test_a_label_is_found_wherever_it_is() -> None:
    assert choose({"local": LOCAL, "offsite": holding(FAR)}, (), label=FAR.label) == Choice("offsite", FAR, 1)


def test_an_unknown_label_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BackupError) as raised:
        choose({"local": holding(OLD), "offsite": holding(FAR)}, (), label="x")
    assert str(raised.value) == f"there is no backup x; there are: {OLD.label}, {FAR.label}"
    with pytest.raises(BackupError, match="there are: none"):
        choose({"local": holding()}, (), label="x")


def test_without_any_sound_backup_all_repositories_are_named() -> None:
    with pytest.raises(BackupError, match=r"^no repository \(local, offsite\) has a sound backup$"):
        choose({"local": holding(), "offsite": holding(FAR)}, {FAR.label})
