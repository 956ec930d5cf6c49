"""An application's history on its host: one JSON line for each attempt to bring a release to life."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

DEPLOY = "deploy"
ROLLBACK = "rollback"
LIVE = "live"
FAILED = "failed"
ABANDONED = "abandoned"
PRIVATE = 0o640
REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Entry:
    """One attempt: a deploy or a rollback, after which the release was live or had failed for a reason.

    An abandoned one was ended by no one: its run was killed, or lost its host. It says nothing of the release.
    `release` is empty if the attempt failed before the release had an id. `version` is what was asked for,
    `commit` what that was in a git repository; `phases` are seconds.
    """

    release: str
    kind: str
    outcome: str
    who: str
    when: str
    reason: str = ""
    version: str = ""
    commit: str = ""
    source: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)


def append(history: Path, entry: Entry) -> None:
    """Add an entry, in one write that reaches the disk. What a killed writer left of a line stays a line by itself."""
    line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
    descriptor = os.open(history, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE)
    try:
        os.fchmod(descriptor, PRIVATE)
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" + line if torn else line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(history: Path) -> list[Entry]:
    """Return all entries, the oldest first. Lines that are no entries, such as a torn one, are left out."""
    if not history.is_file():
        return []
    lines = history.read_text(encoding="utf-8", errors="replace").splitlines()
    return [entry for line in lines if (entry := _entry(line))]


def now() -> str:
    """Return the time as history and manifests write it: UTC, which sorts as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _entry(line: str) -> Entry | None:
    try:
        data: Any = json.loads(line)
        known = {item.name: data[item.name] for item in fields(Entry) if item.name in data}
        return Entry(**known)
    except (ValueError, TypeError):
        return None
