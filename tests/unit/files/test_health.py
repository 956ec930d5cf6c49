"""How it stands with the backups of files, by what is declared and remembered."""

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_files.health import files_health
from ansible.module_utils.roost_files.state import State, changed

NOW = 1_767_666_600


def found(folder: Path, **what: Any) -> dict[str, Any] | None:
    declared, remembered = folder / "declared.json", folder / "files.json"
    wanted = {"repositories": ["local", "offsite"], "sets": ["atlas", "roost"], "late_after_seconds": 90000}
    declared.write_text(json.dumps(wanted))
    os.utime(declared, (NOW - 7200, NOW - 7200))
    with changed(remembered, folder / "metrics") as known:
        vars(known).update(vars(State(**what)))
    health: dict[str, Any] | None = files_health(NOW, declared, remembered)
    return health


def sets(**ago: int) -> dict[str, dict[str, Any]]:
    return {name: {"ended": NOW - seconds, "seconds": 1, "added_bytes": 1} for name, seconds in ago.items()}


def test_where_no_files_are_backed_up_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert files_health(NOW, tmp_path / "none", tmp_path / "none") is None


def test_before_the_first_run(tmp_path: Path) -> None:
    assert found(tmp_path) == {
        "last": "",
        "age_seconds": None,
        "first_age_seconds": 7200,
        "late_after_seconds": 90000,
        "failed": "",
    }


def test_the_set_furthest_behind_counts(tmp_path: Path) -> None:
    health = found(tmp_path, repositories={"local": sets(atlas=60, roost=70), "offsite": sets(atlas=80, roost=3600)})
    assert health is not None
    assert (health["last"], health["age_seconds"]) == ("2026-01-06T01:30:00Z", 3600)


def test_a_set_that_is_missing_somewhere_leaves_nothing_to_count_on(tmp_path: Path) -> None:
    health = found(
        tmp_path, repositories={"local": sets(atlas=60, roost=70), "offsite": sets(atlas=80)}, failed=1, reason="x"
    )
    assert health is not None
    assert (health["last"], health["failed"]) == ("", "x")
