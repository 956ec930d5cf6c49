"""The switch between an application's two slots: no request fails, whether the new release is good or bad."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Answer, Health, ask, wait_until_healthy
from ansible.module_utils.roost_app.paths import SLOTS, AppPaths, ServerPaths
from ansible.module_utils.roost_app.releases import point, read_manifest, target_name
from ansible.module_utils.roost_app.slot_files import SlotFiles
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_app.undeclared import retire
from ansible.module_utils.roost_app.warm import Keeper, Warmth

JOURNAL_LINES = 5

# On a busy host a process that is slow to answer serves sooner still than one that must be started.
WARM_PATIENCE = 15


@dataclass(frozen=True)
class Slots:
    """The slots of one application. `patience` is the seconds within which a release must become healthy.

    With the health of a `frontend` each slot has a second process, the server of the front end, except for a release
    that was built without one: there the application answers in its stead. With a `warmth` the slot of the release
    before is kept warm.
    """

    paths: AppPaths
    health: Health
    patience: float
    systemd: Systemd
    frontend: Health | None = None
    warmth: Warmth | None = None

    def live(self) -> str:
        """Return the slot that serves, "" before the first release."""
        slot = target_name(self.paths.server.live).removesuffix(".sock")
        return slot if slot in SLOTS and self.release_of(slot) else ""

    def release_of(self, slot: str) -> str:
        """Return the release that a slot points at, "" if none that is complete."""
        release = target_name(self.paths.slot(slot))
        return release if release and read_manifest(self.paths.release(release)) else ""

    def live_release(self) -> str:
        """Return the release that serves, "" before the first one."""
        live = self.live()
        return self.release_of(live) if live else ""

    def serves(self, release: str) -> bool:
        """Tell whether the live slot runs this release with the present environment and units."""
        live = self.live()
        return bool(live) and self.release_of(live) == release and self._runs_as_configured(live)

    def _runs_as_configured(self, slot: str) -> bool:
        return self._files.are_of(slot) and self.systemd.all_active(*self._units(slot, self.release_of(slot)))

    def reads(self, files: Collection[str]) -> bool:
        """Tell whether a slot would read one of these files when it is started."""
        return any(str(file) in files for file in self._files.present())

    def is_tidy(self) -> bool:
        """Tell whether the live slot alone starts at boot and runs, and `current` is its release."""
        live, release = self.live(), self.live_release()
        return (
            target_name(self.paths.current) == release
            and self._links(live, release).items() <= self._present_links().items()
            and self.systemd.all_enabled(*self._units(live, release))
            and self._rests(self._other(live))
            and not self.systemd.any_active_or_enabled(*self._undeclared_units())
        )

    def switch_to(self, release: str) -> str:
        """Start the release in the idle slot and, once it is healthy, let it serve; return that slot.

        A slot that was kept warm with it need not be started.
        Raises ReleaseError, with the old release still serving, if the new one is not healthy.
        """
        old = self.live()
        new = self._other(old)
        if not self._takes_up(new, release):
            self._bring_up(new, release, old)
        self.systemd.enable(*self._units(new, release))
        leaves = bool(old) and self.release_of(old) != release
        if leaves:
            point(self.paths.previous, f"releases/{self.release_of(old)}")
        self._point_links(new, release)
        if self.warmth and leaves and self._runs_as_configured(old):
            # One that can't be kept is stopped, as it would be otherwise.
            with suppress(ReleaseError):
                self._keeper.begin(old, self.warmth)
        self.tidy()
        return new

    def tidy(self) -> None:
        """Bring everything else in line with the live slot: boot, links, and the other slot.

        That one drains and ends by itself: its units know how, and so does the keeper of one that is kept warm. Nobody
        need wait for requests that take long.
        """
        live, release = self.live(), self.live_release()
        other = self._other(live)
        self.systemd.enable(*self._units(live, release))
        self._point_links(live, release)
        point(self.paths.current, f"releases/{release}")
        if not self._rests(other):
            self.systemd.disable(*self._units(other))
            if not self._keeper.keeps(other):
                self.systemd("stop", "--no-block", *self._units(other))
        if self.systemd.any_active_or_enabled(*self._undeclared_units()):
            retire(self._undeclared_units(), self.systemd, self.paths.host)

    def _rests(self, slot: str) -> bool:
        """Tell whether a slot doesn't start at boot, and doesn't run unless it is kept warm."""
        if self._keeper.keeps(slot):
            return not self.systemd.any_enabled(*self._units(slot))
        return not self.systemd.any_active_or_enabled(*self._units(slot))

    def _takes_up(self, slot: str, release: str) -> bool:
        """Take a slot that is kept warm from its keeper; tell whether it can serve the release at once."""
        if not (self._keeper.keeps(slot) and self.release_of(slot) == release and self._files.are_of(slot)):
            return False
        self._keeper.end(slot)
        patience = min(self.patience, WARM_PATIENCE)
        return self.systemd.all_active(*self._units(slot, release)) and all(
            self._wait_until_healthy(server, health, slot, patience)[0] for server, health in self._servers(release)
        )

    def _bring_up(self, new: str, release: str, old: str) -> None:
        """Start the release in a slot and wait until it is healthy; raise ReleaseError if it isn't."""
        started = time.time()
        try:
            self._start(new, release)
        except ReleaseError as problem:
            lines = self.systemd.journal_of_systemd(*self._units(new), since=started)[-JOURNAL_LINES:]
            self._stop(new)
            reason = ": ".join([problem.reason, *lines[:1]])
            raise ReleaseError(self._explain(release, old, str(problem), lines), reason=reason) from None
        for server, health in self._servers(release):
            healthy, answer = self._wait_until_healthy(server, health, new, self.patience)
            if not healthy:
                lines = self.systemd.journal(server.unit(new, "service"), started, JOURNAL_LINES)
                self._abandon(new)
                asked = f"GET {health.path} for {health.host}: {answer.describe()}"
                message = self._explain(release, old, asked, lines)
                raise ReleaseError(message, reason=f"not healthy: {answer.describe()}")

    def _wait_until_healthy(
        self, server: ServerPaths, health: Health, slot: str, patience: float
    ) -> tuple[bool, Answer]:
        return wait_until_healthy(
            lambda: ask(str(server.socket(slot)), health),
            lambda: self.systemd.restarts(server.unit(slot, "service")) > 0,
            patience=patience,
        )

    def _start(self, slot: str, release: str) -> None:
        self._stop(slot)
        self._files.equip(slot)
        self.systemd("daemon-reload")
        point(self.paths.slot(slot), f"../releases/{release}")
        for server, _ in self._servers(release):
            self.systemd("start", server.unit(slot, "socket"))
            self.systemd("start", "--no-block", server.unit(slot, "service"))

    def _abandon(self, slot: str) -> None:
        """Stop a slot that never served: nobody waits for its answers."""
        for server in self._declared():
            self.systemd.kill(server.unit(slot, "service"))
        self._stop(slot)

    def _stop(self, slot: str) -> None:
        self._keeper.end(slot)
        self.systemd.disable(*self._units(slot))
        self.systemd("stop", *self._units(slot))
        self.systemd.forget_failures(*self._units(slot))

    @property
    def _keeper(self) -> Keeper:
        return Keeper(self.paths, self.systemd)

    @property
    def _files(self) -> SlotFiles:
        return SlotFiles(self.paths, self._declared())

    def _declared(self) -> list[ServerPaths]:
        return [self.paths.server, *([self.paths.frontend] if self.frontend else [])]

    def _servers(self, release: str) -> list[tuple[ServerPaths, Health]]:
        """Return the servers that a release has, with how each is asked for its health."""
        servers = [(self.paths.server, self.health)]
        if self.frontend and self.paths.frontend_environment(release).is_file():
            servers.append((self.paths.frontend, self.frontend))
        return servers

    def _units(self, slot: str, release: str = "") -> list[str]:
        """Return the units of a slot: those that a release has, or all."""
        servers = [server for server, _ in self._servers(release)] if release else self._declared()
        return [unit for server in servers for unit in server.units(slot)]

    def _undeclared_units(self) -> list[str]:
        """Return the units of a front end that is no longer declared, or has no server any more."""
        return [] if self.frontend else [unit for slot in SLOTS for unit in self.paths.frontend.units(slot)]

    def _links(self, slot: str, release: str) -> dict[Path, str]:
        """Return where the links of the web server lead when a slot is live: the application's comes first."""
        having = [server for server, _ in self._servers(release)]
        return {
            server.live: str((server if server in having else self.paths.server).socket(slot))
            for server in self._declared()
        }

    def _present_links(self) -> dict[Path, str]:
        links = [server.live for server in self._declared()]
        return {link: str(link.readlink()) for link in links if link.is_symlink()}

    def _point_links(self, slot: str, release: str) -> None:
        for link, socket in self._links(slot, release).items():
            if self._present_links().get(link) != socket:
                point(link, socket)

    @staticmethod
    def _other(slot: str) -> str:
        return SLOTS[1] if slot == SLOTS[0] else SLOTS[0]

    def _explain(self, release: str, old: str, problem: str, lines: list[str]) -> str:
        serving = f"release {self.release_of(old)} keeps serving" if old else "nothing serves yet"
        if old and self.release_of(old) == release:
            serving = "it keeps serving with the settings of before"
        return "\n".join(
            [
                f"{self.paths.name}: release {release} is not healthy; {serving}.",
                problem,
                *[f"  {line[:200]}" for line in lines],
            ]
        )
