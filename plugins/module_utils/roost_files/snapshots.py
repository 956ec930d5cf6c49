"""The snapshots of a repository, as `restic snapshots` tells of them, and the summary of `restic backup`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# restic writes nanoseconds, which Python doesn't read.
FRACTION = re.compile(r"\.\d+")


@dataclass(frozen=True)
class Snapshot:
    """The files of one set at one time, which is in seconds since the epoch."""

    label: str
    name: str
    host: str
    taken: float
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """What a backup made: bytes of the files, and what it added to the repository."""

    label: str
    files: int
    file_bytes: int
    added_bytes: int


def parse(printed: str) -> tuple[Snapshot, ...]:
    """Read the JSON of `restic snapshots`. Of each, the tag is the name of its set; in the order of their time."""
    found = [
        Snapshot(
            label=entry["short_id"],
            name=(entry.get("tags") or [""])[0],
            host=entry["hostname"],
            taken=datetime.fromisoformat(FRACTION.sub("", entry["time"])).timestamp(),
            paths=tuple(entry["paths"]),
        )
        for entry in json.loads(printed) or []
    ]
    return tuple(sorted(found, key=lambda snapshot: snapshot.taken))


def parse_summary(printed: str) -> Made:
    """Read the JSON of `restic backup`. Raises ValueError if it has no summary."""
    for message in messages(printed):
        if message.get("message_type") == "summary":
            return Made(
                label=message["snapshot_id"][:8],
                files=message["total_files_processed"],
                file_bytes=message["total_bytes_processed"],
                added_bytes=message["data_added"],
            )
    raise ValueError("no summary")


def unread(printed: str) -> list[str]:
    """Return the files that `restic backup` could not read."""
    return [message["item"] for message in messages(printed) if message.get("message_type") == "error"]


def choose(found: Sequence[Snapshot], name: str, label: str = "", until: float | None = None) -> Snapshot | None:
    """Return the newest snapshot of a set, taken before `until` if that is given, or the one of this label."""
    fitting = [one for one in found if one.name == name and label in {"", one.label}]
    return next((one for one in reversed(fitting) if until is None or one.taken <= until), None)


def messages(printed: str) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects; restic mixes them with others."""
    for line in printed.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
