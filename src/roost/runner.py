"""Runs a playbook through ansible-runner. The only module that imports it."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import ansible_runner

from roost.events import Event, parse
from roost.galaxy import collections_path
from roost.paths import bundle_root

_POLL_SECONDS = 1
_GRACE_SECONDS = 20


@dataclass(frozen=True)
class RunRequest:
    """One playbook run.

    `playbook` is a path in the bundle (`site.yml`); `project` is the folder to run in, from which relative paths
    of the stack start; `variables` are extra vars, which end up on disk and so must never hold a secret.
    """

    playbook: str
    inventory: Path
    project: Path
    tags: tuple[str, ...] = ()
    limit: str = ""
    check: bool = False
    diff: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """How it ended: ansible-playbook's own exit code, whether the operator stopped it, and its duration."""

    exit_code: int
    interrupted: bool
    seconds: float


def run(request: RunRequest, on_event: Callable[[Event], None]) -> RunResult:
    """Run the playbook; `on_event` is called with each event while it runs.

    Ctrl-C (or SIGTERM) asks ansible-playbook to stop: it starts no further task. A second one, or 20 s later, kills it.
    Raises UsageError if Ansible's collections are missing.
    """
    stop = _Stop()

    def handle(raw: dict[str, Any]) -> bool:
        stop.pid = raw.get("pid", stop.pid)
        event = parse(raw)
        if event is not None:
            on_event(event)
        return False  # ansible-runner shall not write the event to disk

    environment = _environment()
    started = time.monotonic()
    # mkdtemp makes the folder with mode 0700; it is removed whatever happens.
    with tempfile.TemporaryDirectory(prefix="roost-") as private, stop.listening():
        runner = ansible_runner.run(
            private_data_dir=private,
            project_dir=str(request.project.resolve()),
            playbook=str(bundle_root() / request.playbook),
            inventory=str(request.inventory.resolve()),
            envvars=environment,
            settings={"suppress_output_file": True, "pexpect_timeout": _POLL_SECONDS},
            fact_cache_type="memory",
            quiet=True,
            event_handler=handle,
            cancel_callback=stop.must_kill,
            **_arguments(request),
        )
    return RunResult(int(runner.rc), stop.asked, time.monotonic() - started)


def _arguments(request: RunRequest) -> dict[str, Any]:
    """The parts of a request that ansible-runner wants only if they are set."""
    flags = [flag for flag, wanted in (("--check", request.check), ("--diff", request.diff)) if wanted]
    return {
        key: value
        for key, value in {
            "cmdline": " ".join(flags),
            "tags": ",".join(request.tags),
            "limit": request.limit,
            "extravars": dict(request.variables),
        }.items()
        if value
    }


def _environment() -> dict[str, str]:
    """What ansible-playbook's environment has besides our own.

    ansible-runner would switch off the check of host keys. It also runs Ansible on a terminal of its own, where
    ssh would ask a question that nobody sees: BatchMode makes it fail instead.
    """
    own_programs = str(Path(sys.executable).parent)
    fixed = {
        "ANSIBLE_CONFIG": str(bundle_root() / "ansible.cfg"),
        # ansible-runner adds a folder of its own to this variable, which then hides the setting in ansible.cfg.
        "ANSIBLE_CALLBACK_PLUGINS": str(bundle_root() / "plugins" / "callback"),
        "ANSIBLE_COLLECTIONS_PATH": collections_path(),
        "ANSIBLE_NOCOLOR": "1",
        "PATH": os.pathsep.join([own_programs, os.environ.get("PATH", os.defpath)]),
    }
    defaults = {"ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_SSH_EXTRA_ARGS": "-o BatchMode=yes"}
    return fixed | {name: os.environ.get(name, value) for name, value in defaults.items()}


class _Stop:
    """Ends a run on a signal: first by asking, later by force.

    Ansible's workers are process groups of their own, which only ansible-playbook itself can stop; killing it (all
    that ansible-runner's cancelling does) would leave them running. `pid` is ansible-playbook's, once it is known.
    """

    def __init__(self) -> None:
        self.pid: int | None = None
        self._asked_at: float | None = None
        self._force = False

    @property
    def asked(self) -> bool:
        return self._asked_at is not None

    def must_kill(self) -> bool:
        """Whether the time for asking is over. ansible-runner calls this about every second."""
        overdue = self._asked_at is not None and time.monotonic() - self._asked_at > _GRACE_SECONDS
        return self._force or overdue

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._force = self.asked or self.pid is None
        self._asked_at = self._asked_at or time.monotonic()
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    @contextmanager
    def listening(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
