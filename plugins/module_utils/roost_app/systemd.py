"""The few words that are exchanged with systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.releases import flush
from ansible.module_utils.roost_app.telling import telling_lines

WANTED_AT_BOOT = [Path(f"/etc/systemd/system/{target}.target.wants") for target in ("multi-user", "sockets")]

RESTING = {"inactive", "failed"}


def stem(unit: str) -> str:
    """Return what the names of a service and of its socket have in common."""
    return unit.rpartition(".")[0]


class Systemd:
    """systemd on this host."""

    def __call__(self, *arguments: str) -> None:
        """Run systemctl; raise ReleaseError with what it said when it fails."""
        done = subprocess.run(["systemctl", "--quiet", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stderr + done.stdout).strip()
            raise ReleaseError(f"`systemctl {' '.join(arguments)}` failed{': ' if said else ''}{said}")

    def enable(self, *units: str) -> None:
        """Let units start at boot. systemd need not read all units anew for that, which takes long."""
        self("--no-reload", "enable", *units)
        # After a power cut, what starts at boot must not lag behind the link to the live slot.
        for folder in WANTED_AT_BOOT:
            flush(folder)

    def disable(self, *units: str) -> None:
        """Let units not start at boot. Those that run go on."""
        self("--no-reload", "disable", *units)

    def run_aside(self, unit: str, *command: str) -> None:
        """Run a command as a unit of its own, which is gone when it ends; raise ReleaseError if it can't be started."""
        given = ["systemd-run", "--quiet", "--collect", f"--unit={unit}", *command]
        done = subprocess.run(given, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ReleaseError(f"`{' '.join(given)}` failed: {done.stderr.strip()}")

    def kill(self, unit: str) -> None:
        """End a service that nobody needs at once, without the time that it has for open requests."""
        self("--no-block", "stop", unit)
        # It fails if no process is left, which is what is wanted.
        subprocess.run(["systemctl", "kill", "--signal=SIGKILL", unit], capture_output=True, check=False)

    def all_active(self, *units: str) -> bool:
        """Tell whether every one of these units runs."""
        return all(state == "active" for state in self._states("is-active", units))

    def rests(self, unit: str) -> bool:
        """Tell whether nothing of a unit runs, not even on its way to an end."""
        return self._states("is-active", (unit,))[0] in RESTING

    def all_enabled(self, *units: str) -> bool:
        """Tell whether every one of these units starts at boot."""
        return all(state == "enabled" for state in self._states("is-enabled", units))

    def any_enabled(self, *units: str) -> bool:
        """Tell whether one of these units starts at boot."""
        return "enabled" in self._states("is-enabled", units)

    def any_active_or_enabled(self, *units: str) -> bool:
        """Tell whether one of these units runs, is about to, or starts at boot.

        A service that is stopping does none of that, nor does its socket, which systemd stops after it.
        """
        states = dict(zip(units, self._states("is-active", units), strict=True))
        leaving = {stem(unit) for unit, state in states.items() if state == "deactivating"}
        active = [unit for unit, state in states.items() if state not in RESTING and stem(unit) not in leaving]
        return bool(active) or self.any_enabled(*units)

    def forget_failures(self, *units: str) -> None:
        """Let units that failed count as stopped."""
        for unit, state in zip(units, self._states("is-active", units), strict=True):
            if state == "failed":
                self("reset-failed", unit)

    def restarts(self, unit: str) -> int:
        """Return how often a unit was restarted because it ended by itself since it was started."""
        shown = subprocess.run(
            ["systemctl", "show", "--property=NRestarts", "--value", unit],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(shown.stdout.strip() or 0)

    def journal(self, unit: str, since: float, lines: int) -> list[str]:
        """Return the last telling lines that the unit's own processes wrote since that time (seconds of the epoch)."""
        return telling_lines(self._journal(since, f"_SYSTEMD_UNIT={unit}"))[-lines:]

    def journal_of_systemd(self, *units: str, since: float) -> list[str]:
        """Return what systemd itself wrote of these units since that time."""
        matches = [f"--unit={unit}" for unit in units]
        return list(dict.fromkeys(self._journal(since, "_PID=1", *matches).splitlines()))

    @staticmethod
    def _journal(since: float, *matches: str) -> str:
        subprocess.run(["journalctl", "--sync"], capture_output=True, check=False)
        read = subprocess.run(
            ["journalctl", "--output=cat", "--quiet", f"--since=@{int(since)}", *matches],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return read.stdout

    @staticmethod
    def _states(question: str, units: tuple[str, ...]) -> list[str]:
        asked = subprocess.run(["systemctl", question, *units], capture_output=True, text=True, check=False)
        states = asked.stdout.split()
        return states if len(states) == len(units) else ["unknown"] * len(units)
