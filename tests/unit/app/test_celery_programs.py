"""Which programs start and stop, and in which order, with a supervisor that only keeps account."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_celery import loaded, steps
from ansible.module_utils.roost_celery.errors import ProgramsError
from ansible.module_utils.roost_celery.slots import Declared
from ansible.module_utils.roost_celery.supervisor import Supervisor

from tests.support.modules import load_module
from tests.support.supervisor import FakeSupervisor, Killed

celery_programs = load_module("celery_programs")
POOL, BEAT = "atlas-worker-default", "atlas-beat"
BLUE, GREEN = f"{POOL}-blue", f"{POOL}-green"


class Host:
    """A host with a pool and beat of the application atlas."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("celery", "workers", "current"):
            (root / "srv/atlas" / folder).mkdir(parents=True)
        self.supervisor = FakeSupervisor(root)
        self.supervisor.configured = dict.fromkeys([BLUE, GREEN, BEAT], "1")
        self.declared = [Declared("atlas", POOL, True, root), Declared("atlas", BEAT, False, root)]
        self.deploy("one")

    @property
    def live(self) -> str:
        return self.declared[0].live

    def deploy(self, release: str) -> None:
        (self.root / "srv/atlas/current/release.env").write_text(f"APP_RELEASE={release}\n")

    def plan(self) -> Any:
        return celery_programs.make_plan(Supervisor(self.supervisor), self.declared)

    def run(self) -> list[tuple[str, str]]:
        """Run the module and return what it did."""
        self.supervisor.calls.clear()
        plan = self.plan()
        with ThreadPoolExecutor(len(self.declared)) as threads:
            celery_programs.apply(plan, Supervisor(self.supervisor), threads)
        return self.supervisor.calls

    def pool_calls(self) -> list[tuple[str, str]]:
        """Run the module and return what it did with the pool."""
        return [call for call in self.run() if call[1].startswith(POOL)]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host where nothing runs yet."""
    made = Host(tmp_path)
    monkeypatch.setattr(celery_programs, "connect", lambda: Supervisor(made.supervisor))
    monkeypatch.setattr(celery_programs, "ROOT", tmp_path)
    return made


@pytest.fixture
def running(host: Host) -> Host:
    """A host where the first release runs, in the slot blue."""
    host.run()
    return host


def test_first_start_is_in_one_slot_and_the_other_one_is_known(host: Host) -> None:
    assert set(host.plan().added) == {POOL, BEAT}
    host.run()
    assert host.supervisor.states() == {BLUE: "RUNNING", GREEN: "STOPPED", BEAT: "RUNNING"}
    assert host.live == "blue"


def test_a_second_run_does_nothing(running: Host) -> None:
    assert running.plan().is_empty
    assert running.run() == []


def test_the_new_release_starts_before_the_old_one_is_asked_to_stop(running: Host) -> None:
    running.deploy("two")
    assert running.plan().restarted == [BEAT, POOL]
    assert running.pool_calls() == [("start", GREEN), ("stop", BLUE)]
    assert running.live == "green"


def test_nobody_waits_for_what_the_old_release_has_begun(running: Host) -> None:
    running.supervisor.busy.add(BLUE)
    running.deploy("two")
    running.run()
    assert running.supervisor.states()[BLUE] == "STOPPING"
    assert running.plan().is_empty
    assert running.run() == []


def test_the_deploy_after_that_waits_for_the_slot(running: Host) -> None:
    running.supervisor.busy.add(BLUE)
    running.deploy("two")
    running.run()
    running.deploy("three")
    later = threading.Timer(0.2, running.supervisor.finish, [BLUE])
    later.start()
    assert running.pool_calls() == [("start", BLUE), ("stop", GREEN)]
    later.join()


def test_a_slot_that_does_not_end_is_told(running: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    running.supervisor.busy.add(BLUE)
    running.deploy("two")
    running.run()
    running.deploy("three")
    monkeypatch.setattr("ansible.module_utils.roost_celery.supervisor.SETTLING_SECONDS", -39.9)
    with pytest.raises(ProgramsError, match=f"{BLUE} did not stop within 0.1 s"):
        running.run()
    assert running.supervisor.states()[GREEN] == "RUNNING"


def test_beat_never_runs_twice(running: Host) -> None:
    running.deploy("two")
    assert [call for call in running.run() if call[1] == BEAT] == [("stop", BEAT), ("start", BEAT)]


def test_while_a_release_can_not_be_loaded_the_one_before_works(running: Host) -> None:
    running.deploy("bad")
    with pytest.raises(ProgramsError, match=rf"{GREEN} has not loaded .*one before works on[\s\S]*No module named"):
        running.run()
    assert running.supervisor.states() == {BLUE: "RUNNING", GREEN: "STOPPED", BEAT: "BACKOFF"}
    assert running.live == "blue"
    running.deploy("two")
    running.run()
    assert running.supervisor.at_work() == [BEAT, GREEN]


def test_running_is_not_loaded(running: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "READY_SECONDS", 0.01)
    (running.root / f"srv/atlas/celery/{BLUE}.pid").unlink()
    with pytest.raises(ProgramsError, match=r"has not loaded its application .running."):
        running.run()


def test_a_changed_pool_alone_moves_and_its_old_slot_is_configured_when_it_has_ended(running: Host) -> None:
    running.supervisor.configured |= {BLUE: "2", GREEN: "2"}
    running.supervisor.busy.add(BLUE)
    assert running.plan().restarted == [POOL]
    assert running.run() == [("remove", GREEN), ("add", GREEN), ("stop", BLUE)]
    assert running.run() == []
    running.supervisor.finish(BLUE)
    assert running.plan().is_empty
    assert running.run() == [("remove", BLUE), ("add", BLUE), ("stop", BLUE)]
    assert running.supervisor.at_work() == [BEAT, GREEN]


def test_an_undeclared_pool_is_stopped_without_waiting(running: Host) -> None:
    running.supervisor.busy.add(BLUE)
    running.supervisor.configured = {BEAT: "1"}
    beat = running.declared.pop()
    pool, running.declared = running.declared[0], [beat]
    assert running.plan().removed == [POOL]
    running.run()
    assert running.supervisor.states() == {BLUE: "STOPPING", BEAT: "RUNNING"}
    assert not pool.link.is_symlink()
    assert running.plan().is_empty
    running.supervisor.finish(BLUE)
    running.run()
    assert running.supervisor.states() == {BEAT: "RUNNING"}


def test_what_others_keep_below_srv_is_left_alone(running: Host) -> None:
    folder = running.root / "srv/other/workers"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    (folder / "link").symlink_to("elsewhere")
    running.run()
    assert {path.name for path in folder.iterdir()} == {"file", "link"}


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL", "BACKOFF"])
def test_a_pool_that_does_not_work_starts_where_it_is(running: Host, state: str) -> None:
    running.supervisor.programs[BLUE].state = state
    running.supervisor.calls.clear()
    assert running.plan().restarted == [POOL]
    assert running.run()[-1] == ("start", BLUE)
    assert running.live == "blue"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the record of a program that will never write one."""

    def fail(*_: object) -> None:
        pytest.fail("waited")

    monkeypatch.setattr(loaded.time, "sleep", fail)


@pytest.mark.usefixtures("impatient")
def test_programs_that_started_before_any_slot_lived_are_idle(host: Host) -> None:
    host.supervisor.boot()
    host.run()
    assert host.live == "blue"
    # celery-slot still sleeps in the other one, and ends by itself.
    assert host.plan().is_empty
    assert host.run() == []


@pytest.mark.usefixtures("impatient")
def test_only_the_live_slot_works_after_a_reboot(running: Host) -> None:
    running.deploy("two")
    running.run()
    running.supervisor.boot()
    # celery-slot still sleeps in the other one.
    assert running.supervisor.states()[BLUE] == "RUNNING"
    assert running.plan().is_empty
    assert running.run() == []


class TestBeforeThereWereSlots:
    """A host whose pool is still one program, named like the pool."""

    @pytest.fixture
    def old(self, host: Host) -> Host:
        host.supervisor.configured = {POOL: "1", BEAT: "1"}
        host.declared[0] = replace(host.declared[0], slots=False)
        host.run()
        host.declared[0] = replace(host.declared[0], slots=True)
        host.supervisor.configured = dict.fromkeys([BLUE, GREEN, BEAT], "1")
        return host

    def test_it_finishes_what_it_has_begun(self, old: Host) -> None:
        old.supervisor.busy.add(POOL)
        assert (old.plan().added, old.plan().removed, old.plan().restarted) == ([], [], [POOL])
        old.run()
        assert old.supervisor.states()[POOL] == "STOPPING"
        assert old.supervisor.at_work() == [BEAT, BLUE]
        assert old.plan().is_empty
        old.supervisor.finish(POOL)
        old.run()
        assert POOL not in old.supervisor.states()

    def test_it_works_on_if_the_slot_does_not_load(self, old: Host) -> None:
        old.deploy("bad")
        with pytest.raises(ProgramsError, match="one before works on"):
            old.run()
        assert old.supervisor.states()[POOL] == "RUNNING"
        old.deploy("two")
        old.run()
        assert old.supervisor.at_work() == [BEAT, BLUE]

    def test_a_deploy_before_the_configuration_says_what_to_do(self, old: Host) -> None:
        old.supervisor.configured = {POOL: "1", BEAT: "1"}
        with pytest.raises(ProgramsError, match=r"knows no program atlas-worker-default-blue: run site\.yml"):
            old.plan()


@pytest.mark.parametrize("calls", range(5))
@pytest.mark.parametrize("later", ["two", "one", "three"])
def test_what_a_killed_run_leaves_is_put_right(running: Host, calls: int, later: str) -> None:
    running.deploy("two")
    running.supervisor.calls_left = calls
    try:
        running.run()
    except Killed:
        pass
    else:
        assert calls == 4
    running.supervisor.calls_left = None
    running.deploy(later)
    running.run()
    working = f"{POOL}-{running.live}"
    assert running.supervisor.at_work() == sorted([BEAT, working])
    assert running.plan().is_empty
    assert running.run() == []


def test_a_rollback_of_a_killed_deploy_returns_to_what_still_works(running: Host) -> None:
    before = running.supervisor.programs[BLUE].pid
    del running.declared[1:]  # beat runs beside the pool, and would be called first or last
    running.deploy("two")
    running.supervisor.calls_left = 1
    with pytest.raises(Killed):
        running.run()
    running.supervisor.calls_left = None
    running.deploy("one")
    running.run()
    assert running.supervisor.programs[BLUE].pid == before
    assert running.live == "blue"


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
