"""The switch between an application's two slots: no request fails, whether the new release is good or bad."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Health, ask, wait_until_healthy
from ansible.module_utils.roost_app.paths import SLOTS, AppPaths
from ansible.module_utils.roost_app.releases import point, read_manifest, target_name
from ansible.module_utils.roost_app.systemd import Systemd, wait_until_drained

DRAIN_AT_LEAST_SECONDS = 1.0
DRAIN_AT_MOST_SECONDS = 30.0
JOURNAL_LINES = 6


@dataclass(frozen=True)
class Slots:
    """The slots of one application. `patience` is the seconds within which a release must become healthy."""

    paths: AppPaths
    health: Health
    patience: float
    systemd: Systemd

    def live(self) -> str:
        """Return the slot that serves, "" before the first release."""
        slot = target_name(self.paths.live_socket).removesuffix(".sock")
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
        return (
            bool(live)
            and self.release_of(live) == release
            and self._started_with(live) == self._configuration()
            and self.systemd.all_active(*self._units(live))
        )

    def is_tidy(self) -> bool:
        """Tell whether the live slot alone starts at boot and runs, and `current` is its release."""
        live = self.live()
        return (
            target_name(self.paths.current) == self.release_of(live)
            and self.systemd.all_enabled(*self._units(live))
            and not self.systemd.any_active_or_enabled(*self._units(self._other(live)))
        )

    def switch_to(self, release: str) -> str:
        """Start the release in the idle slot and, once it is healthy, let it serve; return that slot.

        Raises ReleaseError, with the old release still serving, if the new one is not healthy.
        """
        old = self.live()
        new = self._other(old)
        started = time.time()
        self._start(new, release)
        healthy, answer = wait_until_healthy(
            lambda: ask(str(self.paths.slot_socket(new)), self.health),
            lambda: self.systemd.restarts(self.paths.unit(new, "service")) > 0,
            patience=self.patience,
        )
        if not healthy:
            service = self.paths.unit(new, "service")
            lines = self.systemd.journal(service, started, JOURNAL_LINES)
            self._stop(new)
            message = self._explain(release, old, answer.describe(), lines)
            raise ReleaseError(message, reason=f"not healthy: {answer.describe()}")
        self.systemd("enable", *self._units(new))
        if old and self.release_of(old) != release:
            point(self.paths.previous, f"releases/{self.release_of(old)}")
        point(self.paths.live_socket, str(self.paths.slot_socket(new)))
        self.tidy()
        return new

    def tidy(self) -> None:
        """Bring everything else in line with the live slot: boot, `current`, and the other slot, drained."""
        live = self.live()
        other = self._other(live)
        self.systemd("enable", *self._units(live))
        point(self.paths.current, f"releases/{self.release_of(live)}")
        if self.systemd.any_active_or_enabled(*self._units(other)):
            wait_until_drained(
                str(self.paths.slot_socket(other)),
                at_least=DRAIN_AT_LEAST_SECONDS,
                at_most=DRAIN_AT_MOST_SECONDS,
            )
            self._stop(other)

    def _start(self, slot: str, release: str) -> None:
        self.systemd("daemon-reload")
        self._stop(slot)
        point(self.paths.slot(slot), f"../releases/{release}")
        record = self.paths.slot_start(slot)
        record.touch(mode=0o600)
        record.write_text(self._configuration(), encoding="utf-8")
        self.systemd("start", self.paths.unit(slot, "socket"))
        self.systemd("start", "--no-block", self.paths.unit(slot, "service"))

    def _stop(self, slot: str) -> None:
        self.systemd("disable", "--now", *self._units(slot))
        self.systemd.forget_failures(*self._units(slot))

    def _units(self, slot: str) -> list[str]:
        return [self.paths.unit(slot, "socket"), self.paths.unit(slot, "service")]

    @staticmethod
    def _other(slot: str) -> str:
        return SLOTS[1] if slot == SLOTS[0] else SLOTS[0]

    def _configuration(self) -> str:
        """Return a digest of all that a slot reads besides its release: when it changes, a slot is outdated."""
        digest = hashlib.sha256()
        for file in [self.paths.environment, *self.paths.units]:
            digest.update(file.read_bytes() + b"\0" if file.is_file() else b"\0")
        return digest.hexdigest()

    def _started_with(self, slot: str) -> str:
        record = self.paths.slot_start(slot)
        return record.read_text(encoding="utf-8") if record.is_file() else ""

    def _explain(self, release: str, old: str, answer: str, lines: list[str]) -> str:
        serving = f"release {self.release_of(old)} keeps serving" if old else "nothing serves yet"
        return "\n".join(
            [
                f"{self.paths.name}: release {release} is not healthy; {serving}.",
                f"GET {self.health.path} for {self.health.host}: {answer}",
                *[f"  {line[:200]}" for line in lines],
            ]
        )
