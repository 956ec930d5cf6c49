"""How it stands with the backups of this host, in few words and without asking a repository."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup import state
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.record import Record
from ansible.module_utils.roost_backup.state import State

DECLARED = Path("/etc/roost/backup.json")
FAILING = "SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver"


def health(now: float, declared: Path = DECLARED, remembered: Path = state.STATE) -> dict[str, Any] | None:
    """Return what needs to be known, None where no backups are declared. Times are ISO 8601 in UTC, ages seconds."""
    if not declared.is_file():
        return None
    wanted = json.loads(declared.read_text(encoding="utf-8"))
    known = state.load(remembered)
    last = min((_ended(known, name) for name in wanted["repositories"]), default=0)
    return {
        **punctuality(known, last, now, declared),
        "broken": sorted(known.broken),
        "drill": _drill(known, now),
        "drill_late_after_seconds": wanted["drill_late_after_seconds"],
        **_archive(),
    }


def punctuality(known: Record, last: float, now: float, declared: Path) -> dict[str, Any]:
    """Tell what needs to be known of any kind of backups; `last` is when the last good one ended."""
    return {
        "last": iso(last),
        "age_seconds": int(now - last) if last else None,
        # Since when there is something to be restored, or at least the wish for it.
        "first_age_seconds": int(now - declared.stat().st_mtime),
        "late_after_seconds": json.loads(declared.read_text(encoding="utf-8"))["late_after_seconds"],
        "failed": known.reason if known.failed else "",
    }


def iso(seconds: float) -> str:
    """A time as ISO 8601 in UTC, or nothing for 0."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""


def archive_is_failing() -> bool:
    """Tell whether PostgreSQL's last attempt to archive its log failed. Raises BackupError if it doesn't answer."""
    return find_cluster().sql(FAILING) == "t"


def _ended(known: State, repository: str) -> float:
    return float(known.repositories.get(repository, {}).get("ended", 0))


def _drill(known: State, now: float) -> dict[str, Any]:
    if not known.drill:
        return {}
    shown = {key: known.drill[key] for key in ("ok", "rpo_seconds", "rto_seconds", "reason")}
    return {**shown, "when": iso(known.drill["ended"]), "age_seconds": int(now - known.drill["ended"])}


def _archive() -> dict[str, Any]:
    try:
        cluster = find_cluster()
        waiting = cluster.archiving if cluster.data.is_dir() else 0
        return {"archiving_waiting": waiting, "archiving_failing": archive_is_failing()}
    except BackupError:
        # That PostgreSQL is down is told elsewhere.
        return {"archiving_waiting": 0, "archiving_failing": False}
