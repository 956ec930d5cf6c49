"""The clock, which names backups and puts them into their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ansible.module_utils.roost_backup.catalogue import Backup

# Time servers correct as much without anybody's noticing.
UNNOTICED_SECONDS = 60


def not_yet_made(backups: Sequence[Backup], now: float) -> list[Backup]:
    """Return the backups that ended later than `now`, in seconds since the epoch: a clock was wrong, then or now."""
    return [backup for backup in backups if backup.ended > now + UNNOTICED_SECONDS]


def which_is_wrong(newest: Backup, now: float) -> str:
    """Ask people for what only they know, since nothing can be made before a newer backup."""
    return (
        f"this host's clock says {_readable(now)}, and the newest backup was made at {_readable(newest.ended)}: set "
        "the clock right; or if it is right, `roost backup --clock-is-right` removes what was made while it was ahead"
    )


def _readable(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
