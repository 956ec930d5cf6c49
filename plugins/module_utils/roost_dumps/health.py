"""How it stands with the dumps of databases elsewhere, in few words and without asking a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup.health import punctuality
from ansible.module_utils.roost_dumps import state

DECLARED = Path("/etc/roost/dumps.json")


def dumps_health(now: float, declared: Path = DECLARED, remembered: Path = state.STATE) -> dict[str, Any] | None:
    """Return what needs to be known, None where nothing is dumped. Times are ISO 8601 in UTC, ages seconds."""
    if not declared.is_file():
        return None
    wanted = json.loads(declared.read_text(encoding="utf-8"))
    known = state.load(remembered)
    return punctuality(known, known.oldest(wanted["databases"]), now, declared)
