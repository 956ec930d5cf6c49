"""How it stands with the receiver of this host's log, as the program wal-sender has written it down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DECLARED = Path("/etc/systemd/system/roost-wal-sender.service")
STATE = Path("/run/roost-wal-sender/state.json")
UNKNOWN: dict[str, Any] = {"connected": False, "waits": False, "behind_seconds": None, "behind_bytes": None}


def receiver_health(declared: Path = DECLARED, state: Path = STATE) -> dict[str, Any] | None:
    """Return what was seen of the receiver some seconds ago, UNKNOWN if nobody looks, None where none is declared."""
    if not declared.is_file():
        return None
    if not state.is_file():
        return UNKNOWN
    seen: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
    return seen
