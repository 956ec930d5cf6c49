"""Which kind of backup is due."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible.module_utils.roost_backup.catalogue import Backup

HALF_A_DAY = 43200
DAY = 86400


def due(backups: Sequence[Backup], broken: Collection[str], now: float, full_every_days: int) -> str:
    """Return `full` or `diff`.

    A differential backup builds on the last full one, so it is worth nothing if that one is broken. Full ones come
    after so many days, give or take the hours by which a nightly run may be early.
    """
    fulls = [backup for backup in backups if backup.kind == "full"]
    if not fulls or fulls[-1].label in broken or fulls[-1].damaged:
        return "full"
    return "full" if now - fulls[-1].started > full_every_days * DAY - HALF_A_DAY else "diff"
