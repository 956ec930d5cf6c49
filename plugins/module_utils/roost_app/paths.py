"""Where an application lies on its host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

SLOTS = ("blue", "green")
UNITS = Path("etc/systemd/system")


@dataclass(frozen=True)
class ServerPaths:
    """A process of each slot, behind a socket of its own: `name` is that of its units, `live` the link to it."""

    KINDS: ClassVar = ("socket", "service")

    name: str
    live: Path
    host: Path

    def socket(self, slot: str) -> Path:
        return self.host / "run" / self.name / f"{slot}.sock"

    def unit(self, slot: str, kind: str) -> str:
        return f"{self.name}@{slot}.{kind}"

    def units(self, slot: str) -> list[str]:
        return [self.unit(slot, kind) for kind in self.KINDS]

    def template(self, kind: str) -> Path:
        """The unit file that a slot gets a copy of when it is started."""
        return self.host / UNITS / f"{self.name}@.{kind}"

    def own_file(self, slot: str, kind: str) -> Path:
        """The unit file of a slot itself; systemd prefers it to the template."""
        return self.host / UNITS / self.unit(slot, kind)

    @property
    def files(self) -> list[Path]:
        """The templates, with the drop-ins of whoever administers the host."""
        drop_ins = (self.host / UNITS).glob(f"{self.name}@*.d/*.conf")
        return [*map(self.template, self.KINDS), *sorted(drop_ins)]


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
    def server(self) -> ServerPaths:
        """The application's own process; the web server proxies to its link."""
        return ServerPaths(self.name, self.root / "live.sock", self.host)

    @property
    def frontend(self) -> ServerPaths:
        """The server of its front end, if that has one."""
        return ServerPaths(f"{self.name}-frontend", self.root / "frontend.sock", self.host)

    @property
    def repository(self) -> Path:
        return self.root / "repo.git"

    @property
    def known_hosts(self) -> Path:
        """The host key of the git server that was met first."""
        return self.root / "known_hosts"

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
    def schema(self) -> Path:
        """What is known of the database's migrations."""
        return self.root / "schema.json"

    @property
    def backups(self) -> Path:
        """The folder of the database's dumps from before migrations."""
        return self.host / "var/backups/roost" / self.name

    @property
    def environment(self) -> Path:
        return self.host / "etc/roost/apps" / f"{self.name}.env"

    @property
    def command_environment(self) -> Path:
        """What commands have besides, such as the owner of the database; not every application has it."""
        return self.host / "etc/roost/apps" / f"{self.name}.commands.env"

    @property
    def build_home(self) -> Path:
        """The home folder of build and release commands: their caches outlive a release."""
        return self.host / "var/cache/roost/apps" / self.name

    def release(self, release: str) -> Path:
        return self.releases / release

    def frontend_environment(self, release: str) -> Path:
        """The variables of the server of the front end; only a release that has one has this file."""
        return self.release(release) / "frontend.env"

    def slot(self, slot: str) -> Path:
        """The link from a slot to the release that it runs."""
        return self.root / "slots" / slot

    def keeper(self, slot: str) -> str:
        """The unit that stops a slot which is kept warm when its time is over."""
        return f"roost-warm-{self.name}-{slot}.service"

    def slot_environment(self, slot: str) -> Path:
        """The environment that a slot was started with."""
        return self.root / "slots" / f"{slot}.env"

    def slot_start(self, slot: str) -> Path:
        """The digest of the configuration that a slot was started with."""
        return self.root / "slots" / f".{slot}.configuration"
