"""The slot of the release before, kept warm for a while: a rollback to it starts nothing, so it takes no time.

It has left traffic, but its processes wait. A transient unit of systemd, the keeper, stops it when the time is over.
The controller isn't needed for that, and a reboot ends both.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.roost_app.paths import SLOTS, AppPaths
from ansible.module_utils.roost_app.systemd import Systemd

KEEP_WARM = "/usr/local/lib/roost/keep-warm"


@dataclass(frozen=True)
class Warmth:
    """How long a slot is kept warm, in minutes, and the seconds that open connections to it have to end before."""

    minutes: float
    drain: int


@dataclass(frozen=True)
class Keeper:
    """What stops the slots of an application that are kept warm."""

    paths: AppPaths
    systemd: Systemd

    def keeps(self, slot: str) -> bool:
        return self.systemd.all_active(self.paths.keeper(slot))

    def begin(self, slot: str, warmth: Warmth) -> None:
        """Keep a slot warm from now on."""
        command = [KEEP_WARM, self.paths.name, slot, f"{60 * warmth.minutes:g}", str(warmth.drain)]
        self.systemd.run_aside(self.paths.keeper(slot), *command)

    def end(self, slot: str) -> None:
        """Stop it no more. Whether it runs must be asked anew then: its time may just have been over."""
        # A pattern may match no unit; a name may not.
        self.systemd("stop", f"{self.paths.keeper(slot)}*")

    def let_go(self) -> None:
        """Begin to stop what is kept warm: a new release needs its slot, and is built by now."""
        servers = (self.paths.server, self.paths.frontend)
        for slot in filter(self.keeps, SLOTS):
            self.end(slot)
            self.systemd("stop", "--no-block", *(f"{server.name}@{slot}.*" for server in servers))
