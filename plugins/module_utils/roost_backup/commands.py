"""Commands run as the user postgres."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from ansible.module_utils.roost_backup.errors import BackupError

AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
TELLING_LINES = 6
WEEK_SECONDS = 7 * 86400


def run(argv: Sequence[str], *, timeout: float = WEEK_SECONDS, environment: Mapping[str, str] | None = None) -> str:
    """Run a command as root and return what it printed. Raises BackupError with the end of its output.

    `environment` is added to this process' own.
    """
    try:
        done = subprocess.run(
            list(argv),
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            timeout=timeout,
            check=False,
            env={**os.environ, **(environment or {})},
        )
    except FileNotFoundError:
        raise BackupError(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise BackupError(f"`{' '.join(argv)}` did not end within {timeout:g} s") from None
    if done.returncode != 0:
        raise BackupError("\n".join(last_lines(done.stdout + done.stderr) or [f"`{' '.join(argv)}` failed"]))
    return done.stdout


def run_as_postgres(argv: Sequence[str], *, timeout: float = WEEK_SECONDS) -> str:
    """Run a command as PostgreSQL's own user and return what it printed."""
    return run([*AS_POSTGRES, *argv], timeout=timeout)


def last_lines(output: str) -> list[str]:
    """Return the end of what a command wrote."""
    return [line.rstrip() for line in output.splitlines() if line.strip()][-TELLING_LINES:]
