"""The migrations that a release knows, and which of them its database has."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_app.commands import run_in_release
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths

READ_ONLY = "-c default_transaction_read_only=on"
MARKED = re.compile(r"\s*\[([ Xx])\]\s+(\S+)")
_REVISION = r"[^\s,()]+"
_LIST = rf"{_REVISION}(?:, {_REVISION})*"
# `alembic history`: what it comes from, (what else it depends on) -> the revision (remarks), its title
REVISION = re.compile(rf"({_LIST})(?: \(({_LIST})\))? -> ({_REVISION})(?=[ ,]|$)")
# `alembic current`: the revision (remarks)
CURRENT = re.compile(rf"({_REVISION})(?: \([a-z ]+\))*\s*$")
SHOWN = 20


@dataclass(frozen=True)
class Migrations:
    """Those that the database has and those that wait, each in the order in which they are applied."""

    applied: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    @property
    def known(self) -> list[str]:
        """All that the release knows."""
        return [*self.applied, *self.pending]


def list_migrations(command: str, release: Path, paths: AppPaths, *, pgoptions: str) -> Migrations:
    """Ask a release for its migrations by its own command."""
    try:
        return parse(run_in_release(command, release, paths, pgoptions=pgoptions))
    except ReleaseError as problem:
        message = f"{paths.name}: the migrations of release {release.name} can't be listed: {problem}"
        raise ReleaseError(message) from None


def parse(listing: str) -> Migrations:
    """Read a listing: `[X] applied` and `[ ] pending`, as Django prints it, or what `alembic current` and `alembic
    history` print one after the other. Other lines, such as those of a log, are left out."""
    marked = [match.groups() for line in listing.splitlines() if (match := MARKED.match(line))]
    if marked:
        return Migrations(
            applied=[name for mark, name in marked if mark != " "],
            pending=[name for mark, name in marked if mark == " "],
        )
    return _revisions(listing.splitlines())


def _revisions(lines: list[str]) -> Migrations:
    graph: dict[str, list[str]] = {}
    for match in filter(None, map(REVISION.match, lines)):
        graph[match[3]] = [name for names in (match[1], match[2]) if names for name in names.split(", ")]
    applied: set[str] = set()
    ahead = [match[1] for match in filter(None, map(CURRENT.match, lines)) if match[1] in graph]
    while ahead:
        name = ahead.pop()
        if name in graph and name not in applied:
            applied.add(name)
            ahead += graph[name]
    oldest_first = list(reversed(graph))
    return Migrations(
        applied=[name for name in oldest_first if name in applied],
        pending=[name for name in oldest_first if name not in applied],
    )


def told_before(app: str, pending: list[str]) -> list[str]:
    """Tell people what a deploy would apply, in lines."""
    if not pending:
        return [f"{app}: no migration is pending."]
    return [f"{app}: {_count(pending)} would be applied:", *_shown(pending)]


def told_after(app: str, applied: list[str]) -> list[str]:
    """Tell people what a deploy has applied, in lines; nothing if it was none."""
    return [f"{app}: {_count(applied)} applied:", *_shown(applied)] if applied else []


def warnings(app: str, unknown: list[str]) -> list[str]:
    """Warn of migrations that the database has and a release to deploy doesn't know."""
    return (
        [f"{app}: the database has migrations that this release does not know: {in_words(unknown)}"] if unknown else []
    )


def in_words(names: list[str], most: int = 5) -> str:
    """Return a few names on one line: `places.0003_name, places.0004_size and 7 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _count(names: list[str]) -> str:
    return f"{len(names)} migration{'' if len(names) == 1 else 's'}"


def _shown(names: list[str]) -> list[str]:
    more = [f"  and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return [*(f"  {name}" for name in names[:SHOWN]), *more]


def report(app: str, **what: Any) -> dict[str, Any]:
    """Return what a module tells of an application's migrations, with what is not given empty."""
    return {"app": app, "pending": [], "applied": [], "unknown": [], "backup": "", "told": [], **what}
