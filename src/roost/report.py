"""What a run did, for people and for programs. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from roost.changes import Change, Kind
from roost.display import duration
from roost.errors import HostUnreachable, Interrupted, Locked, RoostError, TaskFailed
from roost.events import Status
from roost.failures import Failure
from roost.paths import bundle_root
from roost.progress import Summary
from roost.runner import RunResult

_NOUNS = {Kind.PACKAGE: "package", Kind.FILE: "file", Kind.SERVICE: "service", Kind.OTHER: "other thing"}
_MAX_ERROR_LINES = 12
_WORTH_A_MENTION = 1.0


def problem_of(summary: Summary, result: RunResult) -> RoostError | None:
    """The error that a run ended with, or None if it went well."""
    if result.interrupted:
        return Interrupted(
            "Stopped. A task that had begun may still end on its host.",
            hint="Run the same command again to go on: what is done stays done.",
        )
    if summary.failures:
        steps = dict.fromkeys(failure.next_step for failure in summary.failures)
        text = "\n".join(line for failure in summary.failures for line in failure_lines(failure))
        return _error_class(summary.failures)(text, hint="\n".join(steps))
    if result.exit_code:
        lines = [line for error in summary.errors for line in error.splitlines()]
        reason = lines[:_MAX_ERROR_LINES] or [f"ansible-playbook ended with exit code {result.exit_code}."]
        return RoostError("\n".join(reason))
    return None


def _error_class(failures: Iterable[Failure]) -> type[RoostError]:
    if all(failure.unreachable for failure in failures):
        return HostUnreachable
    return Locked if any(failure.locked for failure in failures) else TaskFailed


def failure_lines(failure: Failure) -> Iterator[str]:
    """A failure as lines: what failed where, why, and the file of the task."""
    yield (
        f"{failure.host} is unreachable." if failure.unreachable else f"{failure.task.title} failed on {failure.host}."
    )
    yield from (f"  {line}" for line in failure.reason)
    if failure.task.path and not failure.unreachable:
        yield f"  (task in {_shown(failure.task.path)})"


def _shown(path: str) -> str:
    """A task's place, relative to the playbooks' folder."""
    root = f"{bundle_root()}/"
    return path.removeprefix(root)


def closing_lines(summary: Summary, result: RunResult) -> Iterator[str]:
    """The last lines of a run: counts per host, the slowest tasks, warnings."""
    yield from summary.warnings
    width = max((len(name) for name in summary.hosts), default=0)
    for name, counts in summary.hosts.items():
        shown = [f"{counts[Status.OK] + counts[Status.CHANGED]} done", f"{counts[Status.CHANGED]} changed"]
        shown += [f"{counts[s]} {s}" for s in (Status.FAILED, Status.UNREACHABLE) if counts[s]]
        yield f"{name:<{width}}  {', '.join(shown)}"
    yield f"Took {duration(result.seconds)}."
    slow = [f"{task.title} {duration(seconds)}" for task, seconds in summary.timings if seconds >= _WORTH_A_MENTION]
    if slow:
        yield f"Slowest: {'; '.join(slow)}."


def plan_lines(summary: Summary, *, diff: bool) -> Iterator[str]:
    """What a run would change: one paragraph per host, then the sum."""
    by_host = changes_by_host(summary)
    for host, changes in by_host.items():
        yield host
        yield from (f"  {line}" for line in _host_plan(changes))
        yield ""
    if diff:
        for task in summary.changes:
            for text in task.diffs:
                yield f"# {task.host}: {task.task.title}"
                yield from text.splitlines()
                yield ""
    yield from summary.warnings
    if summary.failures:
        yield "The plan is not complete: it ended with an error."
    yield plan_sentence(by_host)


def _in_order(group: tuple[tuple[Kind, str], Any]) -> tuple[int, str]:
    """Sorts groups of changes: packages, files, services (restarts before reloads), the rest."""
    (kind, verb), _ = group
    return (list(_NOUNS).index(kind), "" if verb == "restart" else verb)


def _host_plan(changes: Iterable[Change]) -> Iterator[str]:
    groups: dict[tuple[Kind, str], list[str]] = defaultdict(list)
    for change in changes:
        groups[change.kind, change.verb].append(change.what)
    for (kind, verb), names in sorted(groups.items(), key=_in_order):
        if kind is Kind.FILE:
            yield f"{verb} {_count(len(names), 'file')}"
            yield from (f"  {name}" for name in sorted(names))
        elif kind is Kind.OTHER:
            yield from (f"change: {name}" for name in names)
        else:
            yield f"{verb} {_count(len(names), kind)}: {', '.join(sorted(names))}"


def plan_sentence(by_host: Mapping[str, Iterable[Change]]) -> str:
    """`Will change 12 files and restart 3 services on 1 host.`"""
    changes = [change for host in by_host.values() for change in host]
    if not changes:
        return "Nothing to do: every host is as declared."
    sums = Counter((change.kind, "change" if change.kind is Kind.FILE else change.verb) for change in changes)
    parts = [f"{verb} {_count(count, _NOUNS[kind])}" for (kind, verb), count in sorted(sums.items(), key=_in_order)]
    *head, last = parts
    listed = f"{', '.join(head)} and {last}" if head else last
    return f"Will {listed} on {_count(len(by_host), 'host')}. Nothing was changed."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def changes_by_host(summary: Summary) -> dict[str, list[Change]]:
    """Each host's changes, every one once, in the order of the run."""
    by_host: dict[str, dict[Change, None]] = defaultdict(dict)
    for task in summary.changes:
        by_host[task.host].update(dict.fromkeys(task.changes))
    return {host: list(changes) for host, changes in by_host.items()}


def document(summary: Summary, result: RunResult, problem: RoostError | None) -> dict[str, Any]:
    """A run as JSON data; its shape is described in docs/cli.md."""
    return {
        "ok": problem is None,
        "exit_code": problem.exit_code if problem else 0,
        "seconds": round(result.seconds, 1),
        "hosts": {name: {s.value: counts[s] for s in Status} for name, counts in summary.hosts.items()},
        "changes": {host: [asdict(change) for change in changes] for host, changes in changes_by_host(summary).items()},
        "failures": [_failure_data(failure) for failure in summary.failures],
        "timings": [{"task": task.title, "seconds": seconds} for task, seconds in summary.timings],
        "warnings": list(summary.warnings),
        "errors": [] if summary.failures else list(summary.errors),
    }


def _failure_data(failure: Failure) -> dict[str, Any]:
    return {
        "host": failure.host,
        "task": failure.task.title,
        "path": _shown(failure.task.path),
        "unreachable": failure.unreachable,
        "reason": list(failure.reason),
        "next_step": failure.next_step,
    }
