"""Why a task failed, in a few lines a person can act on. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roost.errors import Locked
from roost.events import HostResult, Status, Task

# With the failed task before them, and its file and the next step behind, ten lines in all.
_MAX_LINES = 7
_MAX_ITEMS = 3
_MAX_WIDTH = 300
_UNTELLING = re.compile(
    r"non-zero return code|module failure|one or more items failed|all items completed"
    r"|^task failed:? *$|see stdout/stderr",
    re.IGNORECASE,
)
_HINTS = (
    (r"host key verification failed", "Log in to {host} once with ssh and compare its host key, then try again."),
    (r"permission denied \(publickey", "ssh doesn't accept your key on {host}: check ansible_user and `ssh-add -l`."),
    (r"missing sudo password|a password is required", "The user on {host} needs sudo without a password."),
    (r"could not get lock|dpkg frontend lock", "Another apt runs on {host}: wait until it is done, then try again."),
    (r"is locked by .* since ", "Ask whoever locked it; `roost unlock` ends the lock."),
    (r"no space left on device|no room to build", "The disk of {host} is full: make room, then try again."),
    (
        r"for a lock of the database and gave up",
        "End the session that holds the lock, or wait until it has ended; then try again.",
    ),
    (
        r"unsupported startup parameter",
        "A connection pooler refuses PGOPTIONS: say database: {{migration_lock_timeout: 0}}.",
    ),
    (
        r"permission denied for (schema|table|sequence|function|materialized view|view|database) |must be owner of ",
        "What serves works with rows only: make and change tables in release_commands, which run as the owner, or say "
        "database: {{runtime_role: false}}.",
    ),
    (
        r"the database has migrations that release",
        "Deploy a release that knows them, or roll back with --allow-schema-mismatch.",
    ),
    (r"temporary failure (in name resolution|resolving)", "{host} can't resolve names: check its /etc/resolv.conf."),
)


@dataclass(frozen=True)
class Failure:
    """A task that failed on a host, or a host that did not answer.

    `reason` has one entry per line; `locked` says that a deploy by somebody else held the host's lock.
    """

    host: str
    task: Task
    reason: tuple[str, ...]
    unreachable: bool = False
    locked: bool = False

    @property
    def next_step(self) -> str:
        """What to do about it."""
        text = "\n".join(self.reason)
        for pattern, hint in _HINTS:
            if re.search(pattern, text, re.IGNORECASE):
                return hint.format(host=self.host)
        if self.locked:
            return "Wait until the other deploy is done, then try again."
        if self.unreachable:
            return f"Check that {self.host} runs, and its address and user in hosts.yml."
        return "Mend that, then run the same command again: what is done already stays done."


def failure_of(event: HostResult) -> Failure:
    """The failure that a failed or unreachable result tells of."""
    return Failure(
        host=event.host,
        task=event.task,
        reason=tuple(_reason(event.result)),
        unreachable=event.status is Status.UNREACHABLE,
        locked=event.result.get("rc") == Locked.exit_code,
    )


def _reason(result: Mapping[str, Any]) -> list[str]:
    if "censored" in result:
        return ["(The output is hidden because it may hold a secret.)"]
    lines = list(_item_lines(result)) or list(_lines(result))
    if len(lines) > _MAX_LINES:
        # The first line says what failed, and the last ones why.
        lines = [lines[0], f"... ({len(lines) - _MAX_LINES + 1} more lines)", *lines[2 - _MAX_LINES :]]
    return [line[:_MAX_WIDTH] for line in lines] or ["(The module gave no reason.)"]


def _item_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The reasons of a loop's items that failed."""
    items = result.get("results")
    failed = [i for i in items if isinstance(i, Mapping) and _is_failure(i)] if isinstance(items, list) else []
    for item in failed[:_MAX_ITEMS]:
        label = item.get("_ansible_item_label", item.get("item", ""))
        yield f"{label}: {' '.join(_lines(item))}"


def _is_failure(item: Mapping[str, Any]) -> bool:
    return bool(item.get("failed") or "exception" in item or item.get("rc"))


def _lines(result: Mapping[str, Any]) -> list[str]:
    """The module's message; what the program printed if the message says nothing by itself."""
    message = [line.removeprefix("Task failed: ") for line in _clean(result.get("msg"))]
    output: list[str] = []
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        if output := _clean(result.get(key))[-_MAX_LINES:]:
            break
    if message and not _UNTELLING.search(" ".join(message)):
        return message
    return output or message


def _clean(value: Any) -> list[str]:
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return [line.rstrip() for line in text.splitlines() if line.strip()]
