"""One backup, restore or drill at a time on a host."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.roost_backup.errors import BackupError

LOCK = Path("/run/roost-backup.lock")


@contextmanager
def held(what: str, file: Path = LOCK) -> Iterator[None]:
    """Hold the lock. Raises BackupError, telling what holds it and since when, if another run does."""
    with file.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise BackupError(f"{lock.read().strip() or 'another run'} is still at work on this host") from None
        lock.truncate(0)
        lock.write(f"a {what} that began at {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}")
        lock.flush()
        yield
