"""What is remembered between two runs, and how Prometheus reads it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup.state import State, changed, load, metrics_of

SAMPLE = re.compile(r'(?P<name>[a-z_]+)(?P<labels>\{[a-z]+="[^"\\\n]*"\})? (?P<value>-?[0-9.]+(e[+-]?[0-9]+)?)')


def last(ended: float) -> dict[str, Any]:
    return {"label": "20261126-150009F", "kind": "full", "seconds": 12.5, "stored_bytes": 400, "ended": ended}


def remembered() -> State:
    drill = {"ok": True, "ended": 1795705300.5, "rpo_seconds": 0, "rto_seconds": 31, "reason": "", "checks": ["x"]}
    return State(
        repositories={"local": last(1795705211), "offsite": last(1795705100)},
        broken_in={"local": {"a": "1 missing"}, "offsite": {"b": "2 missing", "c": "invalid"}},
        failed=0,
        reason="",
        drill=drill,
    )


def samples(text: str) -> dict[str, float]:
    """The samples of metrics; all lines must be as Prometheus wants them, and each family told before its samples."""
    assert text.endswith("\n")
    found: dict[str, float] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ gauge)", line), line
            family = line.split()[2]
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        assert match["name"] == family
        found[line.rpartition(" ")[0]] = float(match["value"])
    return found


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "roost" / "state.json", folder / "prometheus" / "roost_backup.prom"


def test_what_is_changed_is_loaded_again(tmp_path: Path) -> None:
    file, metrics = files(tmp_path)
    with changed(file, metrics) as state:
        assert state == State()
        vars(state).update(vars(remembered()))
    assert load(file) == remembered()
    assert metrics.read_text() == metrics_of(remembered())
    with changed(file, metrics) as state:
        assert state == remembered()


def test_people_may_read_the_metrics_and_only_root_the_state(tmp_path: Path) -> None:
    file, metrics = files(tmp_path)
    with changed(file, metrics):
        pass
    assert (file.stat().st_mode & 0o777, metrics.stat().st_mode & 0o777) == (0o600, 0o644)
    assert [path.name for path in (*file.parent.iterdir(), *metrics.parent.iterdir())] == [file.name, metrics.name]


def test_a_run_that_fails_is_remembered_as_far_as_it_came(tmp_path: Path) -> None:
    file, metrics = files(tmp_path)

    def run() -> None:
        with changed(file, metrics) as state:
            state.reason = "halfway"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert load(file).reason == "halfway"
    assert metrics.is_file()


def test_there_is_a_state_before_the_first_run(tmp_path: Path) -> None:
    assert load(tmp_path / "state.json") == State()
    assert State().succeeded == 0


def test_the_metrics_say_how_it_went() -> None:
    assert samples(metrics_of(remembered())) == {
        'roost_backup_last_success_timestamp_seconds{repository="local"}': 1795705211,
        'roost_backup_last_success_timestamp_seconds{repository="offsite"}': 1795705100,
        'roost_backup_duration_seconds{repository="local"}': 12.5,
        'roost_backup_duration_seconds{repository="offsite"}': 12.5,
        'roost_backup_stored_bytes{repository="local"}': 400,
        'roost_backup_stored_bytes{repository="offsite"}': 400,
        "roost_backup_failed": 0,
        "roost_backup_broken": 3,
        "roost_backup_drill_timestamp_seconds": 1795705300.5,
        "roost_backup_drill_ok": 1,
        "roost_backup_drill_data_loss_seconds": 0,
        "roost_backup_drill_restore_seconds": 31,
    }
    if tool := shutil.which("promtool"):
        subprocess.run([tool, "check", "metrics"], input=metrics_of(remembered()), text=True, check=True)


def test_before_the_first_backup_and_drill_there_is_little_to_say() -> None:
    assert samples(metrics_of(State())) == {"roost_backup_failed": 0, "roost_backup_broken": 0}
    failed = State(failed=5, reason="no room")
    assert samples(metrics_of(failed))["roost_backup_failed"] == 1


def test_success_is_as_old_as_that_of_the_repository_furthest_behind() -> None:
    assert remembered().succeeded == 1795705100


def test_a_failure_after_a_success_counts() -> None:
    state = remembered()
    state.failed = state.succeeded + 1
    assert samples(metrics_of(state))["roost_backup_failed"] == 1


def test_repositories_that_are_no_longer_declared_are_forgotten() -> None:
    state = remembered()
    state.forget_all_but({"local", "new"})
    assert (list(state.repositories), state.broken) == (["local"], {"a": "1 missing"})
