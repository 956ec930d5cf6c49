"""An application's turn: one deploy or rollback of it at a time, from its first task to its last.

The kernel's lock (lock.py) is held by a module while it works. A turn spans the modules of a whole run, and the time
between them: a file on the host names the run, and every module of that run renews it. A run that was killed leaves
its turn behind. Others take it over when it was not renewed for a while, or at once when they know that it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_app.commands import TIMEOUT_SECONDS
from ansible.module_utils.roost_app.errors import LockHeldError
from ansible.module_utils.roost_app.history import ABANDONED, FAILED, Entry, append, now
from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.operator_lock import refuse_if_locked
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import discard_half_built

STALE_AFTER_SECONDS = 180
BUILD = "build"
PRIVATE = 0o640


@dataclass(frozen=True)
class Turn:
    """The run whose turn it is, and what it does.

    `seen` (seconds of the epoch) is when it last was at work on this host; `phase` and `pid` are what is, or was, at
    work; `outcome` and `reason` say how the attempt ended, once the history tells it.
    """

    run: str
    who: str
    kind: str
    since: str
    seen: float
    phase: str = ""
    pid: int = 0
    release: str = ""
    outcome: str = ""
    reason: str = ""
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def idle_seconds(self) -> int:
        return max(0, int(time.time() - self.seen))

    @property
    def is_stale(self) -> bool:
        return self.idle_seconds > STALE_AFTER_SECONDS

    def describe(self, app: str) -> str:
        """Tell those who must wait who is at work, and how long they wait if the run is gone."""
        at_work = f" in its phase {self.phase}" if self.phase else ""
        return (
            f"{app}: a {self.kind} by {self.who} is running since {self.since}{at_work}; it last showed a sign of life "
            f"{self.idle_seconds} s ago. If it was killed, it is taken over after {STALE_AFTER_SECONDS} s without one."
        )


class TurnTakenError(LockHeldError):
    """Another run has the turn."""

    def __init__(self, app: str, turn: Turn) -> None:
        super().__init__(turn.describe(app))
        self.held_by = turn.run


def read_turn(paths: AppPaths) -> Turn | None:
    """Return the turn, None if nobody has it. What can't be read, such as a torn file, is nobody's."""
    try:
        data: Any = json.loads(paths.turn.read_text(encoding="utf-8"))
        return Turn(**{item.name: data[item.name] for item in fields(Turn) if item.name in data})
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_turn(paths: AppPaths, turn: Turn) -> None:
    """Write the turn in one step."""
    staged = paths.turn.with_name(f".{paths.turn.name}.next")
    staged.touch(mode=PRIVATE)
    staged.write_text(json.dumps(asdict(turn), ensure_ascii=False) + "\n", encoding="utf-8")
    staged.replace(paths.turn)


def refuse_if_taken(paths: AppPaths, run: str, gone: str = "") -> Turn | None:
    """Return the turn that the run `run` may take over, None if there is none; raise TurnTakenError if it may not.

    `gone` is a run that is known to have ended.
    """
    there = read_turn(paths)
    if there and there.run not in {run, gone} and not there.is_stale:
        raise TurnTakenError(paths.name, there)
    return there


def take(paths: AppPaths, wanted: Turn, gone: str = "") -> Turn | None:
    """Take the turn and return the abandoned one that was there, if any; remove what a killed build left.

    Raises LockHeldError while another run has it, or a person has locked the application.
    """
    refuse_if_locked(paths)
    before = refuse_if_taken(paths, wanted.run, gone)
    if before and before.run == gone:
        end_orphan(paths, before)
    with deploy_lock(paths.lock, wanted.who):
        before = refuse_if_taken(paths, wanted.run, gone)
        abandoned = before if before and before.run != wanted.run else None
        if abandoned and not abandoned.outcome:
            record_abandoned(paths, abandoned)
        discard_half_built(paths.releases)
        write_turn(paths, wanted)
    return abandoned


def end(paths: AppPaths, run: str) -> Turn | None:
    """Give the turn back; return it as it was. That of another run stays."""
    there = read_turn(paths)
    if there is None or there.run != run:
        return None
    paths.turn.unlink(missing_ok=True)
    return there


def record_abandoned(paths: AppPaths, turn: Turn) -> None:
    """Let the history tell that nobody ended this attempt."""
    when = f" in its phase {turn.phase}" if turn.phase else ""
    entry = Entry(turn.release, turn.kind, ABANDONED, turn.who, now(), f"the run ended without a word{when}")
    append(paths.history, replace(entry, phases=turn.phases))


def note(paths: AppPaths, run: str, **changes: Any) -> None:
    """Note in the turn of a run what changed, and that the run is alive. Does nothing in that of another run."""
    there = read_turn(paths)
    if run and there and there.run == run:
        write_turn(paths, replace(there, seen=time.time(), **changes))


@contextmanager
def at_work(paths: AppPaths, run: str, who: str, phase: str, release: str) -> Iterator[None]:
    """Hold the kernel's lock for a phase of a run. Raises LockHeldError if it is not this run's turn.

    Without a run the lock alone counts: a converge may restart a slot while nobody is at work.
    """
    with deploy_lock(paths.lock, who):
        if run:
            refuse_without_turn(paths, run)
        there = read_turn(paths)
        failed = there is not None and there.outcome == FAILED
        # What a failed attempt goes back by, and to, is no part of it.
        note(paths, run, pid=os.getpid(), **({} if failed else {"phase": phase, "release": release}))
        try:
            yield
        finally:
            # Whoever takes over looks at the process, too. A full disk must not hide why a phase failed.
            with suppress(OSError):
                note(paths, run, pid=0)


def refuse_without_turn(paths: AppPaths, run: str) -> None:
    """Raise LockHeldError unless this run has the turn."""
    there = read_turn(paths)
    if there is None:
        raise LockHeldError(f"{paths.name}: somebody ended this run's turn with `roost unlock`; nothing more was done")
    if there.run != run:
        raise TurnTakenError(paths.name, there)


def end_orphan(paths: AppPaths, turn: Turn) -> None:
    """See to it that what a killed run started on this host ends: a build is killed, everything else is waited for."""
    if turn.phase == BUILD and has_open(turn.pid, paths.lock):
        for pid in [turn.pid, *descendants(turn.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while turn.pid and has_open(turn.pid, paths.lock) and time.monotonic() < deadline:
        time.sleep(0.2)


def has_open(pid: int, file: Path) -> bool:
    """Tell whether a process has a file open."""
    try:
        return any(entry.resolve() == file.resolve() for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:
        found.extend(children.get(child, []))
    return found
