"""Build a release: source, virtual environment, front end, built files, their compressed twins, at last its manifest.

The dependencies are installed, and the front end is built, by an account of their own, because that runs code that
came from elsewhere: not as root, and not as the application, so that the application can't change its own code later.
"""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible.module_utils.roost_app.commands import run, run_in_release
from ansible.module_utils.roost_app.dependencies import dependencies_digest, venv_with
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.frontend import Frontend
from ansible.module_utils.roost_app.history import now
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.precompress import precompress
from ansible.module_utils.roost_app.releases import discard, write_manifest
from ansible.module_utils.roost_app.uv import BUILDER, Uv

PRIVATE = 0o750
TRAVERSABLE = 0o751
PUBLIC = 0o755

# The application can't write into its release, so this is the time. Files that don't compile may be templates.
COMPILE_SOURCE = "python -m compileall -qq . || true"


@dataclass(frozen=True)
class Python:
    """How the virtual environment is made, by which interpreter; paths are relative to the source, "" when not used.

    One of requirement (a requirement on the index), lock (a uv.lock), requirements (a file) or pyproject
    (a pyproject.toml whose dependencies count), in this order, says what is installed.
    """

    interpreter: str
    requirements: str = ""
    pyproject: str = ""
    lock: str = ""
    requirement: str = ""


@dataclass
class Build:
    """One build. `fill_source` fills the folder it is given; `servers` maps distributions to requirements."""

    paths: AppPaths
    release: str
    uv: Uv
    python: Python
    servers: dict[str, str]
    commands: list[str]
    fill_source: Callable[[Path], None]
    frontend: Frontend | None = None
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.paths.release(self.release)

    @property
    def source(self) -> Path:
        return self.folder / "src"

    @property
    def venv(self) -> Path:
        return self.folder / "venv"

    def run(self, manifest: dict[str, object]) -> None:
        """Build the release from nothing; a build that fails leaves nothing behind and raises ReleaseError."""
        discard(self.folder)
        try:
            with self._phase("source"):
                self._make_folders()
                self.fill_source(self.source)
            with self._phase("dependencies"):
                self._install()
            if self.frontend:
                with self._phase("frontend"):
                    self._build_frontend(self.frontend)
            with self._phase("commands"):
                self._run_commands()
            with self._phase("compress"):
                self._compress()
            with self._phase("seal"):
                self._seal()
            manifest = {**manifest, "dependencies": self._dependencies(), "phases": self.phases, "built": now()}
            write_manifest(self.folder, manifest)
        except OSError as problem:
            discard(self.folder)
            raise ReleaseError(f"{self.paths.name}: release {self.release} can't be built: {problem}") from problem
        except ReleaseError as problem:
            discard(self.folder)
            raise ReleaseError(f"{self.paths.name}: release {self.release} can't be built: {problem}") from None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give the release's source and virtual environment for a while: it is never complete, and then removed."""
        discard(self.folder)
        try:
            self._make_folders()
            self.fill_source(self.source)
            self._install()
            give(self.source, "root", self.paths.name)
            yield
        finally:
            discard(self.folder)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(time.monotonic() - started, 2)

    def _make_folders(self) -> None:
        for folder, mode in [
            (self.folder, TRAVERSABLE),
            (self.source, PRIVATE),
            (self.venv, PRIVATE),
            (self.folder / "static", PUBLIC),
        ]:
            folder.mkdir()
            folder.chmod(mode)
        programs = [self.venv / "bin", *([self.folder / "node" / "bin"] if self.frontend else [])]
        environment = {
            "APP_RELEASE": self.release,
            "STATIC_ROOT": str(self.folder / "static"),
            "VIRTUAL_ENV": str(self.venv),
            "PATH": ":".join([*map(str, programs), "/usr/local/bin:/usr/bin:/bin"]),
        }
        write_environment(self.folder / "release.env", environment)

    def _dependencies(self) -> str:
        listed = self.source / self.python.requirements
        if not listed.is_file() or self.python.requirement or self.python.lock:
            return ""
        return dependencies_digest(listed.read_text(encoding="utf-8"), self.servers, self.python.interpreter)

    def _install(self) -> None:
        if same := venv_with(self._dependencies(), self.paths.releases):
            run(["cp", "--archive", "--link", f"{same}/.", str(self.venv)])
            return
        for folder in (self.source, self.venv):
            give(folder, BUILDER, BUILDER)
        self.uv.create_venv(self.venv, self.python.interpreter, cwd=self.source)
        self._install_dependencies()
        missing = [wanted for name, wanted in self.servers.items() if not has_distribution(self.venv, name)]
        if missing:
            self.uv.install(self.venv, missing, cwd=self.source)
        # What is inside is linked to the wheel cache, so it stays with its owner; the folder lets the application in.
        os.chown(self.venv, 0, pwd.getpwnam(self.paths.name).pw_gid)

    def _install_dependencies(self) -> None:
        python = self.python
        if python.requirement:
            self.uv.install(self.venv, [python.requirement], cwd=self.source)
            return
        listed = python.lock or python.requirements or python.pyproject
        if not listed:
            return
        if not (self.source / listed).is_file():
            raise ReleaseError(f"the source has no {listed}{hint_at_list(self.source)}")
        if python.lock:
            self.uv.sync(self.venv, python.interpreter, cwd=(self.source / listed).parent)
        else:
            self.uv.install_file(self.venv, listed, cwd=self.source)

    def _build_frontend(self, frontend: Frontend) -> None:
        # It is root's still if the packages were taken over from another release.
        give(self.source, BUILDER, BUILDER)
        (self.folder / "node").symlink_to(frontend.node.folder)
        frontend.node.ensure(self.uv)
        frontend.build_in(self.source, self.folder / "frontend")
        give(self.folder / "frontend", "root", "root")
        if frontend.kind == "node":
            write_environment(self.paths.frontend_environment(self.release), frontend.environment)

    def _run_commands(self) -> None:
        name = self.paths.name
        for folder in (self.source, self.folder / "static"):
            give(folder, name, name)
        for command in [*self.commands, COMPILE_SOURCE]:
            run_in_release(command, self.folder, self.paths)

    def _compress(self) -> None:
        """Compress what the web server sends, once nobody but root can exchange a file for a link meanwhile."""
        self._take("static")
        new, live = self.folder.resolve(), self.paths.current.resolve()
        for folder in ["static", *([f"frontend/{self.frontend.served}"] if self.frontend else [])]:
            precompress(new / folder, live / folder)

    def _seal(self) -> None:
        """Take the release out of the hands of those who built it, and let it reach the disk."""
        self._take("src")
        self.folder.chmod(TRAVERSABLE)
        run(["sync", "--file-system", str(self.folder)])

    def _take(self, name: str) -> None:
        """Make a folder root's, for the application to read."""
        run(["chmod", "--recursive", "go-w", str(self.folder / name)])
        give(self.folder / name, "root", self.paths.name)


def hint_at_list(source: Path) -> str:
    """Tell where else a source lists its dependencies, "" if nowhere."""
    lists = {"uv.lock": "lock", "requirements.txt": "requirements", "pyproject.toml": "pyproject"}
    found = next((name for name in lists if (source / name).is_file()), "")
    return f", but a {found}: declare python: {{{lists[found]}: {found}}}" if found else ""


def has_distribution(venv: Path, name: str) -> bool:
    """Tell whether a distribution (its normalized name, such as uvicorn_worker) is installed."""
    return any(venv.glob(f"lib/python*/site-packages/{name}-*.dist-info"))


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Write variables as both systemd and the shell read them."""
    escapes = str.maketrans({character: f"\\{character}" for character in '\\"$`'})
    lines = [f'{name}="{value.translate(escapes)}"\n' for name, value in variables.items()]
    file.write_text("".join(lines), encoding="utf-8")
    file.chmod(0o644)


def give(folder: Path, user: str, group: str) -> None:
    """Change the owner of a folder and of all that is in it, symbolic links themselves, not their targets."""
    owner = pwd.getpwnam(user)
    group_id = owner.pw_gid if group == user else pwd.getpwnam(group).pw_gid
    os.chown(folder, owner.pw_uid, group_id)
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.chown(Path(parent) / name, owner.pw_uid, group_id, follow_symlinks=False)


def copy_archive(archive: Path, source: Path) -> None:
    """Unpack an archive that the controller has sent."""
    run(["tar", "--extract", "--no-same-owner", "--file", str(archive), "--directory", str(source)])
