"""Which backups are kept: grandfather, father, son."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible.module_utils.roost_backup.catalogue import Backup


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months keep a backup each: the newest of the day, the newest full one of the others."""

    daily: int
    weekly: int
    monthly: int


def expired(backups: Sequence[Backup], broken: Set[str], keep: Keep) -> list[str]:
    """Return the labels of those that may go, those that build on others first.

    What a kept one builds upon is kept, too, and so is the last full one. A broken backup counts for no day, and
    goes as soon as a good one is newer.
    """
    good = [backup for backup in backups if backup.label not in broken and not broken & backup.needs]
    fulls = [backup for backup in good if backup.kind == "full"]
    chosen = [
        *_newest_of_each(good, keep.daily, lambda when: when.strftime("%Y-%m-%d")),
        *_newest_of_each(fulls, keep.weekly, lambda when: when.strftime("%G-%V")),
        *_newest_of_each(fulls, keep.monthly, lambda when: when.strftime("%Y-%m")),
        *fulls[-1:],
    ]
    # Without a good one, what there is may still be worth something.
    kept = {backup.label for backup in chosen} or {backup.label for backup in backups}
    kept |= {label for backup in chosen for label in backup.needs}
    if good:
        kept |= {backup.label for backup in backups if backup.ended > good[-1].ended}
    return [backup.label for backup in reversed(backups) if backup.label not in kept]


def _newest_of_each(backups: Sequence[Backup], number: int, period: Callable[[datetime], str]) -> list[Backup]:
    newest: dict[str, Backup] = {}
    for backup in reversed(backups):
        newest.setdefault(period(datetime.fromtimestamp(backup.ended, UTC)), backup)
    return list(newest.values())[:number]
