"""What is recorded of an application's database: the migrations that it has, and those that each release knows.

Both are lists of names, written by the host that runs the release commands. A rollback compares them, so it needs
neither the database nor any code of the application.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_app.migrations import Migrations
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import write_json

KNOWN = "migrations.json"
PRIVATE = 0o640


@dataclass(frozen=True)
class Schema:
    """The migrations in the database by the last listing. `begun` are those that a deploy set out to apply since, and
    are left over if it was killed: the database may have them."""

    applied: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)


def begin(paths: AppPaths, listed: Migrations) -> None:
    """Record that the pending migrations are about to be applied."""
    applied = list(dict.fromkeys([*_read_schema(paths).applied, *listed.applied]))
    write_json(paths.schema, asdict(Schema(applied, listed.pending)), PRIVATE)


def record(paths: AppPaths, release: str, listed: Migrations) -> None:
    """Record what a release's listing says after its commands have run."""
    write_json(paths.release(release) / KNOWN, listed.known, PRIVATE)
    write_json(paths.schema, asdict(Schema(listed.applied)), PRIVATE)


def unknown_to(paths: AppPaths, known: list[str]) -> list[str]:
    """Return the migrations that the database has, or may have, besides the known ones."""
    schema = _read_schema(paths)
    return [name for name in dict.fromkeys([*schema.applied, *schema.begun]) if name not in set(known)]


def unknown_to_release(paths: AppPaths, release: str) -> list[str]:
    """Return those that a release doesn't know; none if nobody recorded what it knows."""
    known = _read(paths.release(release) / KNOWN)
    return unknown_to(paths, known) if isinstance(known, list) else []


def _read_schema(paths: AppPaths) -> Schema:
    data = _read(paths.schema)
    return Schema(data.get("applied", []), data.get("begun", [])) if isinstance(data, dict) else Schema()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
