"""Run a command and judge it: bounded in time, without a shell, its output kept short."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from ansible.module_utils.config_tree.errors import TreeError

MOST_LINES = 30
_MOST_BYTES = 64 * 1024
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
}


def check_command(command: Sequence[str], seconds: int) -> None:
    """Raise TreeError with the command's output, unless it exits with 0 within `seconds`."""
    shown = " ".join(command)
    # A file and not a pipe: a daemon that the command leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise TreeError(f"{shown} can't be run: {error.strerror}") from error
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TreeError(f"{shown} took longer than {seconds} s", _tail(output.fileno())) from None
        finally:
            _end(process)
        if code:
            raise TreeError(f"{shown} failed with exit code {code}", _tail(output.fileno()))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    text = os.pread(descriptor, _MOST_BYTES, max(0, size - _MOST_BYTES)).decode(errors="replace")
    return "\n".join(text.strip().splitlines()[-MOST_LINES:])
