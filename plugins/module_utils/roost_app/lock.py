"""One deploy of an application at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.roost_app.errors import LockHeldError


@contextmanager
def deploy_lock(path: Path, who: str) -> Iterator[None]:
    """Hold the lock file `path`; raise LockHeldError, naming the holder, when another process has it.

    The kernel releases the lock when its holder ends, however it ends.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "somebody"
            raise LockHeldError(f"{path.parent.name}: another deploy is running ({holder}); try again later") from None
        file.truncate(0)
        file.write(f"{who}, process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S %Z')}\n")
        file.flush()
        yield
        file.truncate(0)
