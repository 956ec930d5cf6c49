"""What supervisor knows of its programs, and does with them. Each is a process group with one process of its name."""

from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.roost_celery.errors import ProgramsError

SOCKET = "unix:///run/supervisor.sock"
STOPPED = {"STOPPED", "EXITED", "FATAL"}
STARTED = {"STARTING", "RUNNING"}
FAILING = "BACKOFF"
NO_SUCH_PROGRAM = 10  # supervisor.xmlrpc.Faults.BAD_NAME
SETTLING_SECONDS = 15
POLL_SECONDS = 0.05
LOG_LINES = 8


@dataclass(frozen=True)
class Process:
    """The process of a program: its state in supervisor's words, and its id if it runs."""

    state: str
    pid: int = 0


UNKNOWN = Process("UNKNOWN")
"""That of a program which supervisor has not read yet."""


@dataclass(frozen=True)
class Difference:
    """The names of programs whose configuration supervisor has not read yet, or that have none any more."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    @property
    def unread(self) -> list[str]:
        return [*self.added, *self.changed]


class Supervisor:
    """A connection to supervisor; one for each thread."""

    def __init__(self, interface: Any) -> None:
        self._interface = interface

    def difference(self) -> Difference:
        """Compare what is configured with what supervisor has read; raise ProgramsError if it is wrong."""
        try:
            [[added, changed, removed]] = self._interface.reloadConfig()
        except xmlrpc.client.Fault as problem:
            raise ProgramsError(f"supervisor's configuration is wrong: {problem.faultString}") from problem
        return Difference(added, changed, removed)

    def processes(self) -> dict[str, Process]:
        """Return the process of each program that supervisor has read."""
        return {info["group"]: Process(info["statename"], info["pid"]) for info in self._interface.getAllProcessInfo()}

    def process(self, program: str) -> Process:
        """Return the process of one program."""
        try:
            info = self._interface.getProcessInfo(f"{program}:{program}")
        except xmlrpc.client.Fault as problem:
            if problem.faultCode != NO_SUCH_PROGRAM:
                raise
            return UNKNOWN
        return Process(info["statename"], info["pid"])

    def start(self, program: str) -> None:
        """Start a program that is stopped, without waiting."""
        self._interface.startProcessGroup(program, False)

    def stop(self, program: str) -> None:
        """Ask a program to finish what it has begun and to end, without waiting; supervisor bounds that."""
        self._interface.stopProcessGroup(program, False)

    def wait_until_stopped(self, program: str) -> None:
        """Wait for its end; raise ProgramsError if it comes too late."""
        bounds = [config["stopwaitsecs"] for config in self._interface.getAllConfigInfo()]
        patience = max(bounds, default=0) + SETTLING_SECONDS
        wait_until(
            lambda: self.process(program).state in {*STOPPED, UNKNOWN.state},
            patience,
            f"{program} did not stop within {patience:g} s",
        )

    def forget(self, program: str) -> None:
        """Let a stopped program without a configuration go."""
        self._interface.removeProcessGroup(program)

    def read_anew(self, program: str) -> None:
        """Let a stopped program have its present configuration, which starts it."""
        if self.process(program) != UNKNOWN:
            self.forget(program)
        self._interface.addProcessGroup(program)

    def log_end(self, program: str) -> list[str]:
        """Return the last lines that it wrote."""
        log = self._interface.tailProcessStdoutLog(f"{program}:{program}", 0, 4096)[0]
        return [line for line in log.splitlines() if line.strip()][-LOG_LINES:]


def connect() -> Supervisor:
    """Raise ProgramsError if supervisor doesn't run."""
    try:
        from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - absent before the package is installed
    except ImportError:
        raise ProgramsError("supervisor is not installed") from None
    transport = SupervisorTransport(None, None, serverurl=SOCKET)
    server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    try:
        server.supervisor.getSupervisorVersion()
    except OSError as problem:
        raise ProgramsError(f"supervisor does not answer: {problem}") from problem
    return Supervisor(server.supervisor)


def wait_until(done: Callable[[], bool], seconds: float, complaint: str) -> None:
    """Wait until it is done; raise ProgramsError when that takes longer than these seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ProgramsError(complaint)
        time.sleep(POLL_SECONDS)
