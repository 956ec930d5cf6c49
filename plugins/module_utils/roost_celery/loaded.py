"""What a program has loaded, by the files that it writes below /srv/<app>/celery."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

RECORD_SECONDS = 5


def has_loaded(app: str, program: str, pid: int, host: Path = Path("/")) -> bool:
    """Tell whether this process of the program has loaded its application: only then Celery writes its pid file."""
    file = host / "srv" / app / "celery" / f"{program}.pid"
    try:
        return file.read_text(encoding="utf-8").strip() == str(pid)
    except FileNotFoundError:
        return False


def has_begun(app: str, program: str, pid: int, host: Path = Path("/")) -> bool:
    """Tell whether this process of the program is one of Celery, or about to become it."""
    return loaded_record(app, program, host)[1:] == [str(pid)]


def is_outdated(app: str, program: str, pid: int, host: Path = Path("/")) -> bool:
    """Tell whether this process of the program loaded another release or environment than the present one.

    A process that was started just now gets a moment to record what it loads, as celery-program does first of all.
    """
    deadline = time.monotonic() + RECORD_SECONDS
    while not has_begun(app, program, pid, host) and time.monotonic() < deadline:
        time.sleep(0.05)
    return loaded_record(app, program, host) != [present_digest(app, host), str(pid)]


def loaded_record(app: str, program: str, host: Path = Path("/")) -> list[str]:
    """Return what celery-program recorded: the digest of what it loaded and the process; nothing if it never ran."""
    record = host / "srv" / app / "celery" / f"{program}.loaded"
    return record.read_text(encoding="utf-8").split() if record.is_file() else []


def present_digest(app: str, host: Path = Path("/")) -> str:
    """Return the digest of what a program of the application would load now."""
    files = [host / "etc/roost/apps" / f"{app}.env", host / "srv" / app / "current/release.env"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()
