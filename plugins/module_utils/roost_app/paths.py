"""Where an application lies on its host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SLOTS = ("blue", "green")


@dataclass(frozen=True)
class AppPaths:
    """The files and folders of one application; `host` is the host's root folder (another one in tests)."""

    name: str
    host: Path = Path("/")

    @property
    def root(self) -> Path:
        return self.host / "srv" / self.name

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """The link to the live release."""
        return self.root / "current"

    @property
    def previous(self) -> Path:
        """The link to the release that was live before: pages loaded then still find their static files."""
        return self.root / "previous"

    @property
    def live_socket(self) -> Path:
        """The link to the live slot's socket; the web server proxies to it."""
        return self.root / "live.sock"

    @property
    def repository(self) -> Path:
        return self.root / "repo.git"

    @property
    def lock(self) -> Path:
        return self.root / "deploy.lock"

    @property
    def turn(self) -> Path:
        """The run whose turn it is to deploy."""
        return self.root / "turn.json"

    @property
    def operator_lock(self) -> Path:
        """The lock that a person holds, unlike that of a running deploy."""
        return self.root / "operator.lock"

    @property
    def history(self) -> Path:
        return self.root / "history.jsonl"

    @property
    def environment(self) -> Path:
        return self.host / "etc/roost/apps" / f"{self.name}.env"

    @property
    def build_home(self) -> Path:
        """The home folder of build and release commands: their caches outlive a release."""
        return self.host / "var/cache/roost/apps" / self.name

    @property
    def units(self) -> list[Path]:
        """The unit files, with the drop-ins of whoever administers the host."""
        folder = self.host / "etc/systemd/system"
        files = [folder / f"{self.name}@.{kind}" for kind in ("service", "socket")]
        return [*files, *sorted(folder.glob(f"{self.name}@*.d/*.conf"))]

    def release(self, release: str) -> Path:
        return self.releases / release

    def slot(self, slot: str) -> Path:
        """The link from a slot to the release that it runs."""
        return self.root / "slots" / slot

    def slot_start(self, slot: str) -> Path:
        """The digest of the configuration that a slot was started with."""
        return self.root / "slots" / f".{slot}.configuration"

    def slot_socket(self, slot: str) -> Path:
        return self.host / "run" / self.name / f"{slot}.sock"

    def unit(self, slot: str, kind: str) -> str:
        return f"{self.name}@{slot}.{kind}"
