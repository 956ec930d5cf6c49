"""Which backups may go: never the last full one, never what another one needs."""

import pytest
from ansible.module_utils.roost_backup.catalogue import Backup
from ansible.module_utils.roost_backup.choice import is_sound
from ansible.module_utils.roost_backup.retention import Keep, expired
from ansible.module_utils.roost_backup.schedule import due
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.backup.made import DAY, FIRST_NIGHT, diff, full, labels

USUAL = Keep(daily=7, weekly=4, monthly=12)


def after(backups: list[Backup], broken: set[str], keep: Keep) -> list[Backup]:
    gone = set(expired(backups, broken, keep))
    return [backup for backup in backups if backup.label not in gone]


def nights(number: int, keep: Keep, every: int = 7) -> list[Backup]:
    """What is there after so many nights."""
    there: list[Backup] = []
    for day in range(number):
        kind = due(there, (), FIRST_NIGHT + day * DAY, every)
        base = next((backup for backup in reversed(there) if backup.kind == "full"), None)
        there.append(full(day) if kind == "full" or base is None else diff(day, base))
        there = after(there, set(), keep)
    return there


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Backup], set[str]]:
    """Backups as they were made, each differential one on the full one before it, and the broken among them."""
    backups: list[Backup] = []
    broken: set[str] = set()
    day = 0.0
    base = None
    for kind in draw(st.lists(st.sampled_from(["full", "diff", "diff", "diff"]), max_size=40)):
        day += draw(st.sampled_from([0.1, 1, 1, 1, 3, 9, 40]))
        made = full(day) if kind == "full" or base is None else diff(day, base)
        base = made if made.kind == "full" else base
        backups.append(made)
        if draw(st.sampled_from([False] * 7 + [True])):
            broken.add(made.label)
    return backups, broken


keeps = st.builds(Keep, st.integers(1, 9), st.integers(0, 5), st.integers(0, 13))


@given(histories(), keeps)
@settings(max_examples=100, deadline=None)
def test_what_is_kept_can_be_restored_and_the_newest_is_always_kept(
    history: tuple[list[Backup], set[str]], keep: Keep
) -> None:
    backups, broken = history
    left = after(backups, broken, keep)
    there = set(labels(left))
    sound = [backup for backup in backups if is_sound(backup, broken)]
    assert all(backup.needs <= there for backup in left)
    if sound:
        assert sound[-1].label in there
        assert [backup for backup in sound if backup.kind == "full"][-1].label in there
    else:
        assert left == backups


@given(histories(), keeps)
@settings(max_examples=100, deadline=None)
def test_a_second_run_removes_nothing_more(history: tuple[list[Backup], set[str]], keep: Keep) -> None:
    backups, broken = history
    left = after(backups, broken, keep)
    assert expired(left, broken, keep) == []


@given(histories(), keeps)
@settings(max_examples=100, deadline=None)
def test_those_that_build_on_others_go_first(history: tuple[list[Backup], set[str]], keep: Keep) -> None:
    backups, broken = history
    gone = expired(backups, broken, keep)
    place = {label: number for number, label in enumerate(gone)}
    pairs = [(backup.label, need) for backup in backups for need in backup.needs if need in place]
    assert all(place[label] < place[need] for label, need in pairs)


@pytest.mark.parametrize("keep", [USUAL, Keep(1, 1, 0), Keep(3, 0, 2), Keep(30, 8, 6)])
def test_a_year_of_nights_ends_with_as_many_as_were_wanted(keep: Keep) -> None:
    there = nights(365, keep)
    needed = {need for backup in there for need in backup.needs}
    wanted = keep.daily + keep.weekly + keep.monthly
    assert keep.daily <= len(there) <= wanted + len(needed) + 1
    assert all(backup.needs <= set(labels(there)) for backup in there)


def test_a_year_of_nights_in_detail() -> None:
    there = nights(365, USUAL)
    newest = [backup.started for backup in there][-7:]
    assert newest == [FIRST_NIGHT + day * DAY for day in range(358, 365)]
    fulls = [backup for backup in there if backup.kind == "full"]
    assert [backup.started for backup in fulls][-4:] == [FIRST_NIGHT + day * DAY for day in (343, 350, 357, 364)]
    # Of the last four weeks, two have the last full backup of a month.
    assert len(fulls) == 4 + 12 - 2
    assert len(there) == len(fulls) + 6


def test_the_newest_of_a_day_is_kept() -> None:
    morning, noon, night = full(0), full(0.3), full(0.6)
    assert after([morning, noon, night], set(), Keep(1, 0, 0)) == [night]
    assert after([morning, noon, night], set(), Keep(2, 0, 0)) == [night]


def test_a_day_is_one_of_utc() -> None:
    before_midnight, after_midnight = full(0.88), full(0.9)
    assert after([before_midnight, after_midnight], set(), Keep(2, 0, 0)) == [before_midnight, after_midnight]
    assert after([before_midnight, after_midnight], set(), Keep(1, 0, 0)) == [after_midnight]


def test_a_full_backup_stays_as_long_as_one_that_needs_it() -> None:
    base = full(0)
    chain = [base, *(diff(day, base) for day in range(1, 6))]
    assert after(chain, set(), Keep(1, 0, 0)) == [base, chain[-1]]


def test_the_last_full_backup_stays_whatever_is_wanted() -> None:
    old, base = full(0), full(7)
    assert after([old, base, diff(8, base)], set(), Keep(0, 0, 0)) == [base]


def test_a_broken_backup_counts_for_no_day_and_goes_as_soon_as_a_good_one_is_newer() -> None:
    old, rotten, new = full(0), full(1), full(2)
    assert after([old, rotten], {rotten.label}, Keep(1, 0, 0)) == [old, rotten]
    assert after([old, rotten, new], {rotten.label}, Keep(2, 0, 0)) == [old, new]


def test_what_builds_on_a_broken_one_is_broken() -> None:
    good, rotten = full(0), full(1)
    on_it = diff(2, rotten)
    before = diff(0.5, good)
    assert after([good, before, rotten, on_it], {rotten.label}, Keep(1, 0, 0)) == [good, before, rotten, on_it]
    assert after([good, rotten, on_it], {rotten.label}, Keep(1, 0, 0)) == [good, rotten, on_it]
    assert after([good, rotten, on_it, full(3)], {rotten.label}, Keep(1, 0, 0)) == [full(3)]


def test_without_a_good_one_everything_stays() -> None:
    all_broken = [full(0), full(1)]
    assert expired(all_broken, set(labels(all_broken)), Keep(1, 1, 1)) == []
    assert expired([], set(), USUAL) == []
