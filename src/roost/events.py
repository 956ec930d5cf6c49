"""ansible-runner's event stream as typed events. Pure: a raw event in, a typed one or nothing out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Task:
    """A task of a playbook. `path` is the file and line where it stands, `action` the module's name."""

    name: str
    role: str = ""
    path: str = ""
    action: str = ""

    @property
    def title(self) -> str:
        """For people: `nginx: Reload nginx`."""
        return f"{self.role}: {self.name}" if self.role else self.name

    @property
    def module(self) -> str:
        """The module's name without its collection."""
        return self.action.rpartition(".")[2]


@dataclass(frozen=True)
class PlayStarted:
    """A play begins."""

    name: str


@dataclass(frozen=True)
class TaskStarted:
    """A task begins, on all hosts."""

    task: Task


@dataclass(frozen=True)
class HostStarted:
    """A task begins on one host."""

    host: str
    task: Task


@dataclass(frozen=True)
class HostResult:
    """A task ended on one host, after so many seconds. `result` is what the module returned."""

    host: str
    task: Task
    status: Status
    seconds: float = 0.0
    tolerated: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """The playbook ended: hosts with the number of failures that nothing rescued, and unreachable hosts."""

    failures: Mapping[str, int]
    unreachable: frozenset[str]
    hosts: frozenset[str]


@dataclass(frozen=True)
class Message:
    """A line that Ansible printed besides its results: a warning or an error."""

    text: str
    warning: bool


type Event = PlayStarted | TaskStarted | HostStarted | HostResult | Finished | Message

_RESULTS = {
    "runner_on_ok": Status.OK,
    "runner_on_skipped": Status.SKIPPED,
    "runner_on_failed": Status.FAILED,
    "runner_on_unreachable": Status.UNREACHABLE,
}
_CHANGED_LINE = re.compile(r"^changed: \[", re.MULTILINE)
_WARNINGS = ("warning", "system_warning", "deprecated")
_ERRORS = ("error", "verbose")


def parse(raw: Mapping[str, Any]) -> Event | None:
    """Return the typed event, or None for an event that nobody needs."""
    kind = raw.get("event", "")
    data = raw.get("event_data") or {}
    stdout = raw.get("stdout") or ""
    if status := _RESULTS.get(kind):
        return _result(status, data, stdout)
    if kind in (*_WARNINGS, *_ERRORS):
        return _message(kind, stdout.strip())
    reader = _READERS.get(kind)
    return reader(data) if reader else None


def _task(data: Mapping[str, Any]) -> Task:
    return Task(
        name=data.get("task") or data.get("name") or "",
        role=data.get("role") or "",
        path=data.get("task_path") or "",
        action=data.get("resolved_action") or data.get("task_action") or "",
    )


def _result(status: Status, data: Mapping[str, Any], stdout: str) -> HostResult:
    result = data.get("res") or {}
    # Of a task with no_log nothing but the line on the screen tells whether it changed something.
    changed = _CHANGED_LINE.search(stdout) if "censored" in result else bool(result.get("changed"))
    if status is Status.OK and changed:
        status = Status.CHANGED
    return HostResult(
        host=data["host"],
        task=_task(data),
        status=status,
        seconds=float(data.get("duration") or 0),
        tolerated=bool(data.get("ignore_errors")),
        result=result,
    )


def _finished(data: Mapping[str, Any]) -> Finished:
    return Finished(
        failures=dict(data.get("failures") or {}),
        unreachable=frozenset(data.get("dark") or {}),
        hosts=frozenset(data.get("processed") or {}),
    )


def _message(kind: str, text: str) -> Message | None:
    warning = kind in _WARNINGS or text.startswith("[WARNING]")
    return Message(text, warning) if text else None


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "playbook_on_play_start": lambda data: PlayStarted(data.get("name") or ""),
    "playbook_on_task_start": lambda data: TaskStarted(_task(data)),
    "runner_on_start": lambda data: HostStarted(data["host"], _task(data)),
    "playbook_on_stats": _finished,
}
