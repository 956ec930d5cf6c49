"""The backups of a repository, as `pgbackrest info` tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MISSING = 1
NO_BACKUP = 2
KINDS = {"full": "full", "diff": "diff", "incr": "incr"}


@dataclass(frozen=True)
class Backup:
    """One backup. Times are seconds since the epoch, sizes bytes; `needs` are the labels that it builds upon.

    `damaged` says that pages of the database were already damaged when they were backed up.
    """

    label: str
    kind: str
    started: int
    ended: int
    database_bytes: int
    stored_bytes: int
    needs: frozenset[str]
    damaged: bool
    archive_start: str


@dataclass(frozen=True)
class Repository:
    """What one repository holds.

    `system_ids` are those of the clusters that were ever backed up to it; `archive_end` is the last file of the last
    one's log.
    """

    backups: tuple[Backup, ...]
    system_ids: tuple[int, ...]
    exists: bool
    problem: str
    archive_end: str = ""

    @property
    def newest(self) -> Backup | None:
        return self.backups[-1] if self.backups else None


def parse(info: Sequence[Mapping[str, Any]], key: int) -> Repository:
    """Read the JSON of `pgbackrest info` for the repository of this number; backups are in the order of their time."""
    if not info:
        return Repository((), (), exists=False, problem="")
    stanza = info[0]
    status = next((repo["status"] for repo in stanza.get("repo", []) if repo["key"] == key), {"code": MISSING})
    found = [_backup(entry) for entry in stanza.get("backup", []) if entry["database"]["repo-key"] == key]
    clusters = [entry for entry in stanza.get("db", []) if entry["repo-key"] == key]
    return Repository(
        backups=tuple(sorted(found, key=lambda backup: (backup.ended, backup.label))),
        system_ids=tuple(entry["system-id"] for entry in clusters),
        exists=status["code"] != MISSING,
        problem="" if status["code"] in {0, MISSING, NO_BACKUP} else str(status.get("message", "")),
        archive_end=_archive_end(stanza, key, clusters[-1]["id"]) if clusters else "",
    )


def _archive_end(stanza: Mapping[str, Any], key: int, cluster: int) -> str:
    of_cluster = {"id": cluster, "repo-key": key}
    return max(
        (entry["max"] or "" for entry in stanza.get("archive", []) if entry["database"] == of_cluster), default=""
    )


def _backup(entry: Mapping[str, Any]) -> Backup:
    info = entry["info"]
    stored = info["repository"]
    return Backup(
        label=entry["label"],
        kind=KINDS[entry["type"]],
        started=entry["timestamp"]["start"],
        ended=entry["timestamp"]["stop"],
        database_bytes=info["size"],
        stored_bytes=stored.get("delta", stored.get("size", 0)),
        needs=frozenset(entry.get("reference") or []),
        damaged=bool(entry.get("error")),
        archive_start=entry["archive"]["start"] or "",
    )
