"""What ssh complains of, where restic only tells that there is no connection."""

from __future__ import annotations

import shlex
import subprocess

# restic passes on what ssh says, but may end before it has.
NO_SESSION = "unable to start the sftp session"


def complaint(command: str, timeout: float) -> str:
    """Connect as restic does and return what ssh has against it; nothing if it has nothing, or not in time."""
    try:
        tried = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return tried.stderr
