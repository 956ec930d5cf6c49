"""uv, the installer of Python packages, at the pinned version."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ansible.module_utils.roost_app.commands import Account, run
from ansible.module_utils.roost_app.interpreters import SYSTEM_PYTHON

BUILDER = "roost-build"
CACHE = Path("/var/cache/roost/uv")
FOLDER = Path("/opt/roost/uv")
HASH = re.compile(r"^[^#]*\s--hash[= ]", re.MULTILINE)


class Uv:
    """One version of uv. Its cache is shared by all releases, which hold hard links into it."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._program = FOLDER / version / "bin" / "uv"
        self._complete = FOLDER / version / ".complete"

    def ensure(self) -> None:
        """Install uv unless this version is there, and remove the others."""
        if self.is_installed:
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        for folder in FOLDER.iterdir():
            shutil.rmtree(folder)
        folder = FOLDER / self._version
        run([SYSTEM_PYTHON, "-m", "venv", str(folder)])
        run([f"{folder}/bin/pip", "install", "--quiet", "--no-input", f"uv=={self._version}"])
        self._complete.touch()

    @property
    def is_installed(self) -> bool:
        return self._complete.is_file()

    def resolve(self, requirement: str, python: str) -> str:
        """Return the version that a requirement stands for today, with this interpreter."""
        command = ["pip", "compile", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--python", python, "-"]
        pinned = self._run(command, cwd=FOLDER, stdin=requirement + "\n")
        lines = [line for line in pinned.splitlines() if "==" in line]
        return lines[0].split("==")[1].split()[0]

    def create_venv(self, venv: Path, python: str, *, cwd: Path) -> None:
        """Make an empty virtual environment of an interpreter.

        Its programs find it wherever it lies: a later release may take it over.
        """
        command = ["venv", "--quiet", "--allow-existing", "--relocatable", "--python", python]
        self._run([*command, str(venv)], cwd=cwd)

    def install(self, venv: Path, what: list[str], *, cwd: Path) -> None:
        """Install requirements; files among them are relative to `cwd`."""
        self._run(["pip", "install", "--quiet", "--python", str(venv), "--compile-bytecode", *what], cwd=cwd)

    def install_file(self, venv: Path, file: str, *, cwd: Path) -> None:
        """Install a requirements file or the dependencies of a pyproject.toml. One hash in it means: all have one."""
        hashed = HASH.search((cwd / file).read_text(encoding="utf-8", errors="replace"))
        self.install(venv, [*(["--require-hashes"] if hashed else []), "--requirement", file], cwd=cwd)

    def sync(self, venv: Path, python: str, *, cwd: Path) -> None:
        """Install the project in `cwd` and its dependencies exactly as its uv.lock says, which must fit the project."""
        command = ["sync", "--quiet", "--locked", "--no-dev", "--no-editable", "--compile-bytecode", "--python", python]
        self._run(command, cwd=cwd, environment={"UV_PROJECT_ENVIRONMENT": str(venv)})

    def empty_cache(self) -> None:
        """Remove what is cached. Releases keep what they hold hard links to; the next build downloads again."""
        self._run(["cache", "clean", "--quiet"], cwd=FOLDER)

    def install_into(self, folder: Path, requirement: str) -> None:
        """Install a distribution by itself into a folder, for everybody and as root: nothing of it is run."""
        command = ["pip", "install", "--quiet", "--no-deps", "--no-build", "--no-cache", "--python", SYSTEM_PYTHON]
        run([str(self._program), *command, "--target", str(folder), requirement])

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
