"""Moments, as restores are told them."""

from __future__ import annotations

from datetime import datetime

from ansible.module_utils.roost_backup.errors import BackupError

EXAMPLE = "2026-11-26 14:05:00+00"


def seconds_of(text: str) -> float | None:
    """Return a moment such as 2026-11-26 14:05:00+00 in seconds since the epoch; None for none.

    Raises BackupError if it is none, or has no zone: PostgreSQL, this module and people may mean different ones.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BackupError(f"{text} is not a moment such as {EXAMPLE}") from None
    if moment.tzinfo is None:
        raise BackupError(f"{text} names no zone, as {EXAMPLE} does")
    return moment.timestamp()
