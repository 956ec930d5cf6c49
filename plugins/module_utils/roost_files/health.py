"""How it stands with the backups of this host's files, in few words and without asking a repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup.health import punctuality
from ansible.module_utils.roost_files import state

DECLARED = Path("/etc/roost/files.json")


def files_health(now: float, declared: Path = DECLARED, remembered: Path = state.STATE) -> dict[str, Any] | None:
    """Return what needs to be known, None where no files are backed up. Times are ISO 8601 in UTC, ages seconds."""
    if not declared.is_file():
        return None
    wanted = json.loads(declared.read_text(encoding="utf-8"))
    known = state.load(remembered)
    return punctuality(known, known.oldest(wanted["repositories"], wanted["sets"]), now, declared)
