"""How it stands with the dumps, by what is declared and remembered."""

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_dumps.health import dumps_health
from ansible.module_utils.roost_dumps.state import State, changed

NOW = 1_767_666_600


def found(folder: Path, **what: Any) -> dict[str, Any] | None:
    declared, remembered = folder / "declared.json", folder / "dumps.json"
    declared.write_text(json.dumps({"databases": ["atlas", "borea"], "late_after_seconds": 90000}))
    os.utime(declared, (NOW - 7200, NOW - 7200))
    with changed(remembered, folder / "metrics") as known:
        vars(known).update(vars(State(**what)))
    health: dict[str, Any] | None = dumps_health(NOW, declared, remembered)
    return health


def databases(**ago: int) -> dict[str, dict[str, Any]]:
    return {name: {"ended": NOW - seconds, "seconds": 1, "bytes": 1} for name, seconds in ago.items()}


def test_where_nothing_is_dumped_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert dumps_health(NOW, tmp_path / "none", tmp_path / "none") is None


def test_the_database_that_is_furthest_behind_counts(tmp_path: Path) -> None:
    assert found(tmp_path, databases=databases(atlas=60, borea=3600), failed=NOW, reason="lost") == {
        "last": "2026-01-06T01:30:00Z",
        "age_seconds": 3600,
        "first_age_seconds": 7200,
        "late_after_seconds": 90000,
        "failed": "lost",
    }
    without = found(tmp_path, databases=databases(atlas=60))
    assert without is not None
    assert (without["last"], without["age_seconds"], without["failed"]) == ("", None, "")
