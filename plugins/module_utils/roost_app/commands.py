"""Commands run on the host, with their failures told in a few lines."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL_LINE = "-ec"
WITH_ENVIRONMENT = "/usr/local/lib/roost/with-environment"
# The application's own options come last, because the last one wins.
WITH_OPTIONS = 'PGOPTIONS="$1${PGOPTIONS:+ $PGOPTIONS}"; export PGOPTIONS; exec sh -ec "$2"'
# What serves goes first while a release is built beside it.
GIVING_WAY = ("nice", "-n", "10")
TELLING_LINES = 7
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Account:
    """Who runs a command, and where that user may write what is to be kept."""

    user: str
    home: Path


ROOT = Account("root", Path("/root"))


class CommandError(ReleaseError):
    """A command failed; the message has the last lines of its output."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(failure(argv, code, last_lines(output)))
        self.code = code
        self.output = output


def run(  # noqa: PLR0913 - only the first must be given
    argv: Sequence[str],
    *,
    account: Account = ROOT,
    cwd: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = TIMEOUT_SECONDS,
) -> str:
    """Run a command, without a shell, and return what it wrote to its standard output.

    Raises CommandError if it fails, ReleaseError if it runs longer than `timeout` seconds.
    """
    user = pwd.getpwnam(account.user)
    variables = {
        "HOME": str(account.home),
        "LANG": "C.UTF-8",
        "PATH": SEARCH_PATH,
        "SSL_CERT_FILE": CERTIFICATES,
        "PIP_CERT": CERTIFICATES,
        **(environment or {}),
    }
    try:
        done = subprocess.run(
            [*GIVING_WAY, *argv],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            env=variables,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=os.getgrouplist(user.pw_name, user.pw_gid),
            umask=0o022,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"`{shown(argv)}` did not end within {timeout:g} s") from None
    if done.returncode != 0:
        raise CommandError(argv, done.returncode, done.stdout + done.stderr)
    return done.stdout


def failure(argv: Sequence[str], code: int, lines: Sequence[str]) -> str:
    """Tell which command failed, and how."""
    return "\n".join([f"`{shown(argv)}` failed with exit code {code}:", *lines[:TELLING_LINES]])


def last_lines(output: str) -> list[str]:
    """Return the end of what a command wrote."""
    return [line for line in output.splitlines() if line.strip()][-TELLING_LINES:]


def shown(argv: Sequence[str]) -> str:
    """Return a command as a person wrote it, or would have."""
    return argv[-1] if {WITH_ENVIRONMENT, SHELL_LINE} & set(argv) else " ".join(argv)


def in_release(command: str, release: Path, paths: AppPaths, pgoptions: str = "") -> list[str]:
    """Return the program and the arguments that run a shell command line with a release's environment.

    They read `besides` from their standard input.
    """
    return [
        *[WITH_ENVIRONMENT, str(paths.environment)],
        *([WITH_ENVIRONMENT, "-"] if paths.command_environment.is_file() else []),
        *[WITH_ENVIRONMENT, str(release / "release.env")],
        *(["sh", "-c", WITH_OPTIONS, "sh", pgoptions] if pgoptions else ["sh", SHELL_LINE]),
        command,
    ]


def run_in_release(  # noqa: PLR0913 - only the first three must be given
    command: str,
    release: Path,
    paths: AppPaths,
    *,
    pgoptions: str = "",
    environment: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> str:
    """Run a shell command line as the application's user, in a release's source, with its environment.

    Returns what it wrote to its standard output. `pgoptions` are options of its PostgreSQL sessions.
    """
    return run(
        in_release(command, release, paths, pgoptions),
        account=Account(paths.name, paths.build_home),
        cwd=release / "src",
        environment=environment,
        stdin=besides(paths),
        timeout=timeout,
    )


def besides(paths: AppPaths) -> str:
    """Return what commands have in their environment besides the application's; root alone may read it."""
    file = paths.command_environment
    return file.read_text(encoding="utf-8") if file.is_file() else ""
