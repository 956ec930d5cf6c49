"""Which kind of backup a night brings."""

from dataclasses import replace

import pytest
from ansible.module_utils.roost_backup.schedule import due

from tests.unit.backup.made import DAY, FIRST_NIGHT, diff, full

BASE = full(0)
CHAIN = [BASE, *(diff(day, BASE) for day in range(1, 7))]


@pytest.mark.parametrize(
    ("day", "every", "kind"),
    [
        (1, 7, "diff"),
        (6, 7, "diff"),
        (6.4, 7, "diff"),
        (6.6, 7, "full"),
        (7, 7, "full"),
        (30, 7, "full"),
        (0.4, 1, "diff"),
        (1, 1, "full"),
        (13, 14, "diff"),
        (14, 14, "full"),
    ],
)
def test_a_full_backup_after_so_many_days_and_a_differential_one_between(day: float, every: int, kind: str) -> None:
    assert due(CHAIN, (), FIRST_NIGHT + day * DAY, every) == kind


def test_the_first_is_full() -> None:
    assert due([], (), FIRST_NIGHT, 7) == "full"


def test_nothing_builds_on_what_is_broken() -> None:
    now = FIRST_NIGHT + DAY
    assert due(CHAIN, {BASE.label}, now, 7) == "full"
    assert due([replace(BASE, damaged=True)], (), now, 7) == "full"


def test_a_broken_differential_backup_is_nothing_to_build_on_anyway() -> None:
    assert due(CHAIN, {CHAIN[-1].label}, FIRST_NIGHT + DAY, 7) == "diff"


def test_only_the_last_full_one_counts() -> None:
    newer = full(7)
    assert due([*CHAIN, newer], {BASE.label}, FIRST_NIGHT + 8 * DAY, 7) == "diff"
    assert due([*CHAIN, newer], {newer.label}, FIRST_NIGHT + 8 * DAY, 7) == "full"
