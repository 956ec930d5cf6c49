"""uv, the installer of Python packages, at the pinned version."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ansible.module_utils.roost_app.commands import Account, run

BUILDER = "roost-build"
CACHE = Path("/var/cache/roost/uv")
FOLDER = Path("/opt/roost/uv")
SYSTEM_PYTHON = "/usr/bin/python3"


class Uv:
    """One version of uv. Its cache is shared by all releases, which hold hard links into it."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._program = FOLDER / version / "bin" / "uv"

    def ensure(self) -> None:
        """Install uv unless this version is there, and remove the others."""
        ready = self._program.parent.parent / ".complete"
        if ready.is_file():
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        for folder in FOLDER.iterdir():
            shutil.rmtree(folder)
        folder = FOLDER / self._version
        run([SYSTEM_PYTHON, "-m", "venv", str(folder)])
        run([f"{folder}/bin/pip", "install", "--quiet", "--no-input", f"uv=={self._version}"])
        ready.touch()

    def resolve(self, requirement: str) -> str:
        """Return the version that a requirement stands for today."""
        command = ["pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "-"]
        pinned = self._run(command, cwd=CACHE, stdin=requirement + "\n")
        lines = [line for line in pinned.splitlines() if "==" in line]
        return lines[0].split("==")[1].split()[0]

    def create_venv(self, venv: Path, version: str, *, cwd: Path) -> None:
        """Make an empty virtual environment of a Python of the host (a version such as 3.12; "" = the system's)."""
        self._run(["venv", "--quiet", "--allow-existing", "--python", version or SYSTEM_PYTHON, str(venv)], cwd=cwd)

    def install(self, venv: Path, what: list[str], *, cwd: Path) -> None:
        """Install requirements; files among them are relative to `cwd`."""
        self._run(["pip", "install", "--quiet", "--python", str(venv), "--compile-bytecode", *what], cwd=cwd)

    def sync(self, venv: Path, *, cwd: Path) -> None:
        """Install the project in `cwd` and its dependencies exactly as its uv.lock says."""
        command = ["sync", "--quiet", "--frozen", "--no-dev", "--no-editable", "--compile-bytecode"]
        self._run(command, cwd=cwd, environment={"UV_PROJECT_ENVIRONMENT": str(venv)})

    def _run(
        self, arguments: list[str], *, cwd: Path, stdin: str = "", environment: dict[str, str] | None = None
    ) -> str:
        settings = {
            "UV_CACHE_DIR": str(CACHE),
            "UV_LINK_MODE": "hardlink",
            "UV_PYTHON_DOWNLOADS": "never",
            **(environment or {}),
        }
        argv = [str(self._program), *arguments]
        return run(argv, account=Account(BUILDER, CACHE), cwd=cwd, environment=settings, stdin=stdin)


def distribution(requirement: str) -> str:
    """Return a requirement without its version: the distribution and its extras."""
    return re.split(r"[=<>!~;@ ]", requirement.strip(), maxsplit=1)[0]
