"""The front end of a release: what npm makes of a folder of the source."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.commands import SHELL_LINE
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.node import Node

PAGE = "index.html"
NEXT_STATIC = ".next/static"


@dataclass(frozen=True)
class Frontend:
    """How it is built. `path` is its folder in the source; the command `build` fills the folder `output` in that.

    What the kind `static` makes is files for the web server, what `node` makes is a server.
    """

    path: str
    kind: str
    build: str
    output: str
    node: Node
    environment: Mapping[str, str]

    @property
    def served(self) -> str:
        """The folder, within what is built, of files that the web server sends; a server may lack it."""
        return "" if self.kind == "static" else NEXT_STATIC

    def build_in(self, source: Path, destination: Path) -> None:
        """Build it within a source that is the builder's, and move what came of it to the destination."""
        folder = source / self.path
        output = folder / self.output
        self._refuse_unless_locked(folder)
        self._run(["rm", "-rf", str(output)], folder)
        self._run(["npm", "ci", "--include=dev"], folder)
        self._run(["sh", SHELL_LINE, self.build], folder)
        self._refuse_unless_built(source, output)
        if (output / ".next").is_dir():
            self._complete_next(folder, output)
        # As the builder: whatever links lie in there, they lead to nothing that isn't the builder's.
        self._run(["chmod", "-R", "a+rX,go-w", str(output)], folder)
        output.rename(destination)
        shutil.rmtree(folder / "node_modules", ignore_errors=True)

    def _complete_next(self, folder: Path, output: Path) -> None:
        """Add what Next.js leaves out of a standalone server, for others to serve."""
        for part in (NEXT_STATIC, "public"):
            if (folder / part).is_dir() and not (output / part).exists():
                self._run(["cp", "-r", str(folder / part), str(output / part)], folder)

    def _run(self, argv: list[str], folder: Path) -> None:
        self.node.run(argv, cwd=folder, environment=self.environment)

    def _refuse_unless_locked(self, folder: Path) -> None:
        if not (folder / "package.json").is_file():
            raise ReleaseError(f"the source has no {self.path}/package.json, so no front end")
        if not (folder / "package-lock.json").is_file():
            raise ReleaseError(
                f"the source has no {self.path}/package-lock.json, which says what to install: "
                "let `npm install` write it, and commit it"
            )

    def _refuse_unless_built(self, source: Path, output: Path) -> None:
        expected = f"{self.path}/{self.output}" + (f"/{PAGE}" if self.kind == "static" else "")
        if not (source / expected).exists() or output.is_symlink():
            raise ReleaseError(f"`{self.build}` left no {expected}: does `output` name the folder that it fills?")
        if source.resolve() not in output.resolve().parents:
            raise ReleaseError(f"{self.path}/{self.output} leads out of the source")
