"""A supervisor that runs nothing, but keeps account of its programs as the real one does.

Its programs write the files that celery-program and Celery write, below another root folder.
"""

import threading
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_app.paths import SLOTS
from ansible.module_utils.roost_celery.loaded import present_digest
from ansible.module_utils.roost_celery.supervisor import FAILING, NO_SUCH_PROGRAM, STARTED

LOG = "Traceback\nModuleNotFoundError: No module named 'x'\n"


@dataclass
class Program:
    """A program as it was read: its configuration, and how its process is."""

    configuration: str
    state: str = "STOPPED"
    pid: int = 0


class Killed(BaseException):
    """The module was killed."""


class FakeSupervisor:
    """The programs of the application atlas. A program that is `busy` stops when `finish` is called, others at once."""

    def __init__(self, host: Path) -> None:
        self.host = host
        self.configured: dict[str, str] = {}
        self.programs: dict[str, Program] = {}
        self.busy: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self.calls_left: int | None = None
        self.last_pid = 100
        self._one_at_a_time = threading.Lock()

    def states(self) -> dict[str, str]:
        return {name: program.state for name, program in self.programs.items()}

    def at_work(self) -> list[str]:
        return sorted(name for name, program in self.programs.items() if program.state in {*STARTED, FAILING})

    def finish(self, name: str) -> None:
        """Let a busy program come to the end of what it has begun."""
        self.busy.discard(name)
        self.programs[name].state = "STOPPED"

    def boot(self) -> None:
        """Start anew, as after a reboot: all programs with their present configuration, idle slots for a moment."""
        self.programs = {}
        for name in self.configured:
            self._add(name)

    def reloadConfig(self) -> list[list[list[str]]]:  # noqa: N802 - supervisor's name
        read = {name: program.configuration for name, program in self.programs.items()}
        added = [name for name in self.configured if name not in read]
        changed = [name for name in self.configured if name in read and read[name] != self.configured[name]]
        return [[added, changed, [name for name in read if name not in self.configured]]]

    def getAllProcessInfo(self) -> list[dict[str, Any]]:  # noqa: N802
        return [self._info(name) for name in self.programs]

    def getProcessInfo(self, process: str) -> dict[str, Any]:  # noqa: N802
        return self._info(process.partition(":")[0])

    def getAllConfigInfo(self) -> list[dict[str, int]]:  # noqa: N802
        return [{"stopwaitsecs": 40}]

    def tailProcessStdoutLog(self, *_: object) -> list[Any]:  # noqa: N802
        return [LOG, 0, False]

    def startProcessGroup(self, name: str, wait: bool) -> None:  # noqa: N802
        assert not wait
        self._note("start", name)
        assert self.programs[name].state in {"STOPPED", "EXITED", "FATAL"}
        self._start(name)

    def stopProcessGroup(self, name: str, wait: bool) -> None:  # noqa: N802
        assert not wait
        self._note("stop", name)
        if self.programs[name].state in {*STARTED, FAILING}:
            self.programs[name].state = "STOPPING" if name in self.busy else "STOPPED"

    def addProcessGroup(self, name: str) -> None:  # noqa: N802
        self._note("add", name)
        self._add(name)

    def removeProcessGroup(self, name: str) -> None:  # noqa: N802
        self._note("remove", name)
        assert self.programs[name].state in {"STOPPED", "EXITED", "FATAL"}
        del self.programs[name]

    def _info(self, name: str) -> dict[str, Any]:
        if name not in self.programs:
            raise xmlrpc.client.Fault(NO_SUCH_PROGRAM, f"BAD_NAME: {name}")
        return {"group": name, "statename": self.programs[name].state, "pid": self.programs[name].pid}

    def _note(self, call: str, name: str) -> None:
        with self._one_at_a_time:
            if self.calls_left is not None:
                if self.calls_left == 0:
                    raise Killed
                self.calls_left -= 1
            self.calls.append((call, name))

    def _add(self, name: str) -> None:
        assert name not in self.programs
        self.programs[name] = Program(self.configured[name])
        self._start(name)

    def _start(self, name: str) -> None:
        self.last_pid += 1
        program = self.programs[name]
        program.state, program.pid = "RUNNING", self.last_pid
        pool, _, slot = name.rpartition("-")
        link = self.host / "srv/atlas/workers" / pool
        if slot in SLOTS and not (link.is_symlink() and str(link.readlink()) == slot):
            return
        files = self.host / "srv/atlas/celery"
        (files / f"{name}.loaded").write_text(f"{present_digest('atlas', self.host)} {program.pid}\n")
        if "bad" in (self.host / "srv/atlas/current/release.env").read_text():
            program.state = FAILING
        else:
            (files / f"{name}.pid").write_text(f"{program.pid}\n")
