"""Which programs are restarted, with a supervisor that only remembers what it was told."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.modules import load_module

celery_programs = load_module("celery_programs")
PROGRAMS = [{"app": "atlas", "name": "atlas-worker-default"}, {"app": "atlas", "name": "atlas-beat"}]


class FakeSupervisor:
    """Programs that stop and start at once."""

    def __init__(self, states: dict[str, str], difference: tuple[list[str], list[str], list[str]]) -> None:
        self.states = states
        self.difference = difference
        self.calls: list[tuple[str, str]] = []

    def reloadConfig(self) -> list[list[list[str]]]:  # noqa: N802 - supervisor's name
        return [list(self.difference)]

    def getAllProcessInfo(self) -> list[dict[str, str]]:  # noqa: N802
        return [{"group": name, "statename": state, "pid": 7} for name, state in self.states.items()]

    def getAllConfigInfo(self) -> list[dict[str, int]]:  # noqa: N802
        return [{"stopwaitsecs": 40}]

    def tailProcessStdoutLog(self, *_: object) -> list[Any]:  # noqa: N802
        return ["Traceback\nModuleNotFoundError: No module named 'x'\n", 0, False]

    def stopProcessGroup(self, name: str, wait: bool) -> None:  # noqa: N802
        assert not wait
        self._note("stop", name, "STOPPED")

    def startProcessGroup(self, name: str, wait: bool) -> None:  # noqa: N802
        assert not wait
        self._note("start", name, "RUNNING")

    def removeProcessGroup(self, name: str) -> None:  # noqa: N802
        assert self.states[name] == "STOPPED"
        self._note("remove", name, "")

    def addProcessGroup(self, name: str) -> None:  # noqa: N802
        self._note("add", name, "RUNNING")

    def _note(self, call: str, name: str, state: str) -> None:
        self.calls.append((call, name))
        if state:
            self.states[name] = state
        else:
            del self.states[name]


def running() -> dict[str, str]:
    return {program["name"]: "RUNNING" for program in PROGRAMS}


def run(supervisor: FakeSupervisor, outdated: set[str] = frozenset()) -> Any:  # type: ignore[assignment]  # a frozen default
    plan = celery_programs.make_plan(supervisor, PROGRAMS, lambda _app, name, _pid: name in outdated)
    celery_programs.apply(supervisor, plan)
    celery_programs.wait_until_ready(supervisor, PROGRAMS, lambda *_: True)
    return plan


def test_nothing_to_do() -> None:
    supervisor = FakeSupervisor(running(), ([], [], []))
    assert run(supervisor).empty
    assert supervisor.calls == []


def test_outdated_program_alone_is_restarted() -> None:
    supervisor = FakeSupervisor(running(), ([], [], []))
    assert not run(supervisor, {"atlas-beat"}).empty
    assert supervisor.calls == [("stop", "atlas-beat"), ("start", "atlas-beat")]


def test_all_are_asked_to_stop_before_any_is_started() -> None:
    supervisor = FakeSupervisor({**running(), "old": "RUNNING"}, ([], ["atlas-beat"], ["old"]))
    run(supervisor, {"atlas-worker-default", "atlas-beat"})
    assert supervisor.calls == [
        ("stop", "atlas-beat"),
        ("stop", "old"),
        ("stop", "atlas-worker-default"),
        ("remove", "atlas-beat"),
        ("remove", "old"),
        ("add", "atlas-beat"),
        ("start", "atlas-worker-default"),
    ]


def test_new_and_stopped_programs_are_started() -> None:
    supervisor = FakeSupervisor({"atlas-beat": "FATAL"}, (["atlas-worker-default"], [], []))
    run(supervisor)
    assert supervisor.calls == [("add", "atlas-worker-default"), ("start", "atlas-beat")]


def test_program_that_crashed_before_gets_another_chance_at_once() -> None:
    supervisor = FakeSupervisor({**running(), "atlas-beat": "BACKOFF"}, ([], [], []))
    run(supervisor)
    assert supervisor.calls == [("stop", "atlas-beat"), ("start", "atlas-beat")]


def test_program_that_crashes_is_told_with_its_log() -> None:
    supervisor = FakeSupervisor({**running(), "atlas-beat": "BACKOFF"}, ([], [], []))
    with pytest.raises(
        celery_programs.ProgramsError, match=r"atlas-beat has not loaded .*backoff[\s\S]*No module named"
    ):
        celery_programs.wait_until_ready(supervisor, PROGRAMS, lambda *_: True)


def test_running_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_programs, "READY_SECONDS", 0.01)
    with pytest.raises(celery_programs.ProgramsError, match=r"has not loaded its application .running."):
        celery_programs.wait_until_ready(FakeSupervisor(running(), ([], [], [])), PROGRAMS, lambda *_: False)


def test_only_applications_with_started_programs_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_programs, "look_at", lambda application: [f"{application.app} is unsafe"])
    applications = [{"app": app, "application": app, "settings": [], "pools": []} for app in ("atlas", "pulse")]
    assert celery_programs.shortcomings(applications, {"pulse"}) == ["pulse is unsafe"]


def test_an_application_that_can_not_be_looked_at_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise celery_programs.ReleaseError("no such file")

    monkeypatch.setattr(celery_programs, "look_at", fail)
    applications = [{"app": "atlas", "application": "atlas", "settings": [], "pools": []}]
    assert celery_programs.shortcomings(applications, {"atlas"}) == [
        "atlas: its tasks can't be looked at: no such file"
    ]


def test_program_is_ready_when_its_own_process_says_so(tmp_path: Path) -> None:
    file = tmp_path / "srv/atlas/celery/atlas-beat.pid"
    assert not celery_programs.has_loaded("atlas", "atlas-beat", 7, tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("7\n")
    assert celery_programs.has_loaded("atlas", "atlas-beat", 7, tmp_path)
    assert not celery_programs.has_loaded("atlas", "atlas-beat", 8, tmp_path)


def test_program_is_outdated_when_environment_or_release_changes(tmp_path: Path) -> None:
    environment, release, record = write_files(tmp_path)
    for file in (environment, release):
        record.write_text(f"{celery_programs.present_digest('atlas', tmp_path)} 7\n")
        assert not celery_programs.is_outdated("atlas", "atlas-beat", 7, tmp_path)
        file.write_text("B\n")
        assert celery_programs.is_outdated("atlas", "atlas-beat", 7, tmp_path)


@pytest.mark.parametrize("earlier", ["", "{digest} 6\n"])
def test_program_that_just_started_gets_a_moment_to_record(tmp_path: Path, earlier: str) -> None:
    *_, record = write_files(tmp_path)
    digest = celery_programs.present_digest("atlas", tmp_path)
    record.write_text(earlier.format(digest=digest))
    later = threading.Timer(0.1, record.write_text, [f"{digest} 7\n"])
    later.start()
    assert not celery_programs.is_outdated("atlas", "atlas-beat", 7, tmp_path)
    later.join()


def test_program_that_never_records_is_outdated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_programs, "RECORD_SECONDS", 0.01)
    assert celery_programs.is_outdated("atlas", "atlas-beat", 7, tmp_path)


def write_files(host: Path) -> list[Path]:
    """Write the environment, the release's and the record of atlas-beat."""
    names = ["etc/roost/apps/atlas.env", "srv/atlas/current/release.env", "srv/atlas/celery/atlas-beat.loaded"]
    files = [host / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("A\n")
    return files
