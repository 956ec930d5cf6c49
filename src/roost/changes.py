"""What a task changed, or in check mode would change, read from its result. Pure."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roost.events import HostResult

_FILE_MODULES = frozenset({"copy", "template", "file", "lineinfile", "blockinfile", "replace", "get_url"})
_SERVICE_MODULES = frozenset({"systemd_service", "systemd", "service"})
_PACKAGE_MODULES = frozenset({"apt", "package"})
_PACKAGE = re.compile(r"^(?:Inst|Setting up) ([a-z0-9][a-z0-9+.-]+)", re.MULTILINE)
_SERVICE_VERBS = ("reload", "restart", "start", "stop")


class Kind(StrEnum):
    """What sort of thing was changed."""

    FILE = "file"
    PACKAGE = "package"
    SERVICE = "service"
    OTHER = "other"


@dataclass(frozen=True, order=True)
class Change:
    """One changed thing. `verb` is `write`, `remove`, `install`, `restart`, `reload`, ... or `change`."""

    kind: Kind
    what: str
    verb: str = "change"


def changes_of(event: HostResult) -> list[Change]:
    """The things that a task changed, each once; a thing we can't name is named after its task."""
    found = dict.fromkeys(change for result in _changed_results(event.result) for change in _of_one(event, result))
    return list(found) or [Change(Kind.OTHER, event.task.title)]


def diffs_of(event: HostResult) -> list[str]:
    """The unified diffs that a task returned (only in --diff mode)."""
    diffs = [result.get("diff") or [] for result in _changed_results(event.result)]
    parts = [part for diff in diffs for part in (diff if isinstance(diff, list) else [diff])]
    return [text for part in parts if (text := _diff_text(part))]


def _changed_results(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The result itself, or those of a loop's items that changed something."""
    items = result.get("results")
    if not isinstance(items, list):
        yield result
        return
    for item in items:
        if isinstance(item, Mapping) and item.get("changed"):
            yield item


def _of_one(event: HostResult, result: Mapping[str, Any]) -> Iterator[Change]:
    module = event.task.module
    if module == "config_tree":
        for path in result.get("changed_paths", ()):
            yield Change(Kind.FILE, str(path), "write")
        for path in result.get("removed_paths", ()):
            yield Change(Kind.FILE, str(path), "remove")
        for action in result.get("unit_actions", ()):
            verb, _, unit = str(action).partition(" ")
            yield Change(Kind.SERVICE, unit, verb)
    elif module == "release_slot":
        for name in result.get("stopped", ()):
            yield Change(Kind.SERVICE, str(name), "stop")
        for app in result.get("apps", ()):
            if app["switched"]:
                same = app["release"] == app["previous"]
                yield Change(Kind.SERVICE, str(app["name"]), "restart" if same else "switch")
    elif module in _PACKAGE_MODULES:
        for name in _PACKAGE.findall(str(result.get("stdout", ""))):
            yield Change(Kind.PACKAGE, name, "install")
    elif module in _SERVICE_MODULES and result.get("name"):
        yield Change(Kind.SERVICE, str(result["name"]), _service_verb(event.task.name, result))
    elif module in _FILE_MODULES and (path := _path(result)):
        yield Change(Kind.FILE, path, "remove" if result.get("state") == "absent" else "write")


def _service_verb(task_name: str, result: Mapping[str, Any]) -> str:
    """A restart and a reload return the same, so the handler's name (`Reload nginx`) must tell."""
    first = task_name.partition(" ")[0].lower()
    if first in _SERVICE_VERBS:
        return first
    return {"started": "start", "stopped": "stop"}.get(str(result.get("state")), "change")


def _path(result: Mapping[str, Any]) -> str:
    for key in ("dest", "path"):
        if isinstance(result.get(key), str):
            return str(result[key])
    diff = result.get("diff")
    first = diff[0] if isinstance(diff, list) and diff else diff
    return str(first.get("after_header", "")) if isinstance(first, Mapping) else ""


def _diff_text(part: Any) -> str:
    if not isinstance(part, Mapping):
        return ""
    if prepared := part.get("prepared"):
        return str(prepared).rstrip()
    before, after = part.get("before"), part.get("after")
    if not isinstance(before, str) or not isinstance(after, str):
        return ""
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        str(part.get("before_header") or "before"),
        str(part.get("after_header") or "after"),
        lineterm="",
    )
    return "\n".join(lines)
