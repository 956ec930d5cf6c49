"""Debian packages that the sandbox itself needs on the machine it runs on."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from roost.errors import SandboxError

# A user's PATH often lacks the folders where daemons live.
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def find_command(command: str) -> str | None:
    """Return the absolute path of a command, daemons included, or None."""
    return shutil.which(command, path=_SEARCH_PATH)


def require_command(command: str, package: str, say: Callable[[str], None]) -> str:
    """Return the command's path; install its Debian package first if it is missing.

    Raises SandboxError where Roost may not or cannot install packages.
    """
    path = find_command(command)
    if path:
        return path
    _install(package, say)
    path = find_command(command)
    if path is None:
        raise SandboxError(f"The package {package} was installed, but brought no {command} command")
    return path


def _install(package: str, say: Callable[[str], None]) -> None:
    if not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        raise SandboxError(
            f"The sandbox needs {package}, and this is not a Debian-family machine",
            hint=f"Install {package} with this system's own package manager, then run the command again.",
        )
    if os.geteuid() != 0:
        raise SandboxError(
            f"The sandbox needs the Debian package {package}",
            hint=f"Run: sudo apt-get install --no-install-recommends {package}",
        )
    say(f"Installing the Debian package {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", package]):
        done = subprocess.run(["apt-get", *arguments], env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SandboxError(f"apt-get {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}".rstrip())
