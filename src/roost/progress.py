"""Where a run stands, and in the end what it did: typed events summed up. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from roost.changes import Change, changes_of, diffs_of
from roost.events import (
    Event,
    Finished,
    HostResult,
    HostStarted,
    Message,
    PlayStarted,
    Status,
    Task,
    TaskStarted,
)
from roost.failures import Failure, failure_of

_SLOWEST = 5


@dataclass(frozen=True)
class TaskChanges:
    """What one task changed on one host."""

    host: str
    task: Task
    changes: tuple[Change, ...]
    diffs: tuple[str, ...] = ()


@dataclass
class HostProgress:
    """How far a host is. `running` is the task that runs there now."""

    counts: Counter[Status] = field(default_factory=Counter)
    running: Task | None = None

    @property
    def is_lost(self) -> bool:
        """Whether the host takes no further part."""
        return bool(self.counts[Status.FAILED] or self.counts[Status.UNREACHABLE])


@dataclass(frozen=True)
class Summary:
    """What a run did. `hosts` counts the results per host; `timings` are seconds, the slowest task first."""

    hosts: dict[str, Counter[Status]]
    changes: tuple[TaskChanges, ...]
    failures: tuple[Failure, ...]
    timings: tuple[tuple[Task, float], ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


class Progress:
    """Takes the events of one run in their order."""

    def __init__(self) -> None:
        self.play = ""
        self.task: Task | None = None
        self.hosts: dict[str, HostProgress] = {}
        self._changes: list[TaskChanges] = []
        self._failures: list[Failure] = []
        self._seconds: dict[Task, float] = {}
        self._messages: dict[Message, None] = {}
        self._finished: Finished | None = None

    def apply(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case PlayStarted(name):
                self.play = name
            case TaskStarted(task):
                self.task = task
            case HostStarted(host, task):
                self._host(host).running = task
            case HostResult():
                self._take_result(event)
            case Finished():
                self._finished = event
            case Message():
                self._messages[event] = None

    def _take_result(self, event: HostResult) -> None:
        host = self._host(event.host)
        host.running = None
        self._seconds[event.task] = max(self._seconds.get(event.task, 0.0), event.seconds)
        for text in event.result.get("warnings") or ():
            self._messages[Message(f"[WARNING]: {event.host}: {text}", warning=True)] = None
        if event.status in (Status.FAILED, Status.UNREACHABLE):
            if not event.tolerated:
                host.counts[event.status] += 1
                self._failures.append(failure_of(event))
            return
        # A host that goes on was rescued.
        del host.counts[Status.FAILED]
        host.counts[event.status] += 1
        # Secrets are made up on the controller, in check mode too: that is no change of the host.
        if event.status is Status.CHANGED and event.task.module != "roost_preflight":
            changes = TaskChanges(event.host, event.task, tuple(changes_of(event)), tuple(diffs_of(event)))
            self._changes.append(changes)

    @property
    def last_changes(self) -> TaskChanges | None:
        """What the task changed that changed something last."""
        return self._changes[-1] if self._changes else None

    def _host(self, name: str) -> HostProgress:
        return self.hosts.setdefault(name, HostProgress())

    def summary(self) -> Summary:
        """What happened so far."""
        slowest = sorted(self._seconds.items(), key=lambda pair: pair[1], reverse=True)[:_SLOWEST]
        return Summary(
            hosts={name: Counter(host.counts) for name, host in self.hosts.items()},
            changes=tuple(self._changes),
            failures=self._unrescued(),
            timings=tuple((task, round(seconds, 1)) for task, seconds in slowest),
            warnings=tuple(m.text for m in self._messages if m.warning),
            errors=tuple(m.text for m in self._messages if not m.warning),
        )

    def _unrescued(self) -> tuple[Failure, ...]:
        """The failures that ended the work on their host: the last ones, as many as Ansible counted."""
        if self._finished is None:
            return tuple(self._failures)
        kept: list[Failure] = []
        left = dict(self._finished.failures)
        for failure in reversed(self._failures):
            if failure.unreachable or left.get(failure.host, 0) > 0:
                left[failure.host] = left.get(failure.host, 0) - (not failure.unreachable)
                kept.append(failure)
        return tuple(reversed(kept))
