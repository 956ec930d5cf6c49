"""The copy of the project off-site: making one, and what is remembered of the last."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup import record
from ansible.module_utils.roost_backup.record import FOLDER, Kept, gauges_as_text
from ansible.module_utils.roost_files.backing_up import part_of_today
from ansible.module_utils.roost_files.restic import Keep, Restic

STATE = FOLDER / "project.json"
METRICS = record.METRICS / "roost_project.prom"
NAME = "project"


@dataclass
class LastCopy(Kept):
    """When it was made, in seconds since the epoch, 0 for never; the fingerprint says of what and where."""

    ended: float = 0
    fingerprint: str = ""


def fingerprint(repository: Restic, file: Path) -> str:
    """Tell a file that is to be copied to this place from others; nothing if there is none yet."""
    parts = (file, repository.environment_file)
    if not all(part.exists() for part in parts):
        return ""
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def copy(repository: Restic, host: str, file: Path, keep: Keep) -> LastCopy:
    """Make a copy beside the earlier ones, examine them, and let go of what is old. Raises BackupError."""
    if repository.exists():
        repository.unlock()
    else:
        repository.create()
    repository.back_up(NAME, host, [str(file)])
    repository.verify(part_of_today(time.time()))
    repository.forget(keep)
    return LastCopy(time.time(), fingerprint(repository, file))


def load(file: Path = STATE) -> LastCopy:
    """Return what is remembered."""
    return LastCopy.load(file)


def remember(last: LastCopy, file: Path = STATE, metrics: Path = METRICS) -> None:
    """Remember a copy, and show it as a metric."""
    last.keep(file, metrics, metrics_of(last))


def metrics_of(last: LastCopy) -> str:
    """The state in the format that Prometheus' node exporter collects."""
    help_text = "When the last copy of the project was made off-site."
    return gauges_as_text("roost_project", [("last_success_timestamp_seconds", help_text, {"": last.ended})])
