"""The switch, with a systemd that only remembers what it was told."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible.module_utils.roost_app import slots as slots_module
from ansible.module_utils.roost_app.errors import LockHeldError, ReleaseError
from ansible.module_utils.roost_app.health import Answer, Health, wait_until_healthy
from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import target_name, write_manifest
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_app.systemd import queue_length, telling_lines


@dataclass
class FakeSystemd:
    """Units are active or enabled, or not. The services of `crashing` slots restart all the time."""

    active: set[str] = field(default_factory=set)
    enabled: set[str] = field(default_factory=set)
    crashing: bool = False

    def __call__(self, verb: str, *arguments: str) -> None:
        units = {argument for argument in arguments if not argument.startswith("--")}
        if verb == "start":
            self.active |= units
        elif verb == "enable":
            self.enabled |= units
        elif verb == "disable":
            self.enabled -= units
            self.active -= units if "--now" in arguments else set()

    def all_active(self, *units: str) -> bool:
        return set(units) <= self.active

    def all_enabled(self, *units: str) -> bool:
        return set(units) <= self.enabled

    def any_active_or_enabled(self, *units: str) -> bool:
        return bool(set(units) & (self.active | self.enabled))

    def restarts(self, _: str) -> int:
        return int(self.crashing)

    def forget_failures(self, *units: str) -> None:
        pass

    def journal(self, *_: object) -> list[str]:
        return ["ModuleNotFoundError: No module named 'x'"]


@pytest.fixture
def paths(tmp_path: Path) -> AppPaths:
    paths = AppPaths("atlas", tmp_path)
    for release in ("one", "two"):
        paths.release(release).mkdir(parents=True)
        write_manifest(paths.release(release), {"built": release, "inputs": ""})
    (paths.root / "slots").mkdir()
    paths.environment.parent.mkdir(parents=True)
    paths.environment.write_text('A="1"\n')
    return paths


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """What the application answers; the last one again and again."""
    given = [Answer(200, "")]
    monkeypatch.setattr(slots_module, "ask", lambda *_: given.pop(0) if len(given) > 1 else given[0])
    monkeypatch.setattr(slots_module, "wait_until_drained", lambda *_, **__: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return given


@pytest.fixture
def slots(paths: AppPaths, answers: list[Answer]) -> Slots:
    assert answers
    return Slots(paths, Health("/health/", "atlas.example.com"), patience=0.05, systemd=FakeSystemd())


def test_first_release_takes_the_first_slot(slots: Slots) -> None:
    assert slots.live_release() == ""
    slots.switch_to("one")
    assert (slots.live(), slots.live_release()) == ("blue", "one")
    assert target_name(slots.paths.current) == "one"
    assert slots.serves("one")
    assert slots.is_tidy()


def test_next_release_takes_the_other_slot_and_stops_the_old_one(slots: Slots) -> None:
    slots.switch_to("one")
    slots.switch_to("two")
    assert (slots.live(), slots.live_release()) == ("green", "two")
    assert slots.systemd.active == {"atlas@green.socket", "atlas@green.service"}
    assert slots.systemd.enabled == slots.systemd.active


@pytest.mark.parametrize("crashing", [True, False])
def test_bad_release_leaves_the_old_one(slots: Slots, answers: list[Answer], crashing: bool) -> None:
    slots.switch_to("one")
    answers[:] = [Answer(500, "on fire")]
    slots.systemd.crashing = crashing
    with pytest.raises(ReleaseError, match="release two is not healthy; release one keeps serving") as raised:
        slots.switch_to("two")
    assert "status 500: on fire" in str(raised.value)
    assert "No module named 'x'" in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 10
    assert slots.serves("one")
    assert slots.is_tidy()


def test_changed_environment_outdates_the_live_slot(slots: Slots) -> None:
    slots.switch_to("one")
    slots.paths.environment.write_text('A="2"\n')
    assert not slots.serves("one")
    slots.switch_to("one")
    assert slots.serves("one")
    assert slots.live() == "green"


def test_changed_drop_in_outdates_the_live_slot(slots: Slots) -> None:
    slots.switch_to("one")
    drop_in = slots.paths.host / "etc/systemd/system/atlas@.service.d/more.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text("[Service]\n")
    assert not slots.serves("one")


def test_stopped_service_does_not_serve(slots: Slots) -> None:
    slots.switch_to("one")
    slots.systemd.active.discard("atlas@blue.service")
    assert not slots.serves("one")


def test_run_killed_after_the_switch_is_tidied_up(slots: Slots) -> None:
    slots.switch_to("one")
    slots.switch_to("two")
    slots.systemd.active |= {"atlas@blue.socket", "atlas@blue.service"}
    slots.paths.current.unlink()
    assert slots.serves("two")
    assert not slots.is_tidy()
    slots.tidy()
    assert slots.is_tidy()
    assert target_name(slots.paths.current) == "two"


def test_release_without_manifest_is_not_live(slots: Slots) -> None:
    slots.switch_to("one")
    (slots.paths.release("one") / "manifest.json").unlink()
    assert slots.live_release() == ""


def test_health_needs_three_good_answers_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    given = [Answer(status, "") for status in (0, 200, 200, 503, 200, 200, 204)]
    assert wait_until_healthy(lambda: given.pop(0), lambda: False, patience=5) == (True, Answer(204, ""))
    assert given == []


def test_crash_ends_the_wait_at_once() -> None:
    healthy, answer = wait_until_healthy(lambda: Answer(0, "refused"), lambda: True, patience=60)
    assert not healthy
    assert "the service ended by itself (no answer: refused)" in answer.describe()


def test_healthy_streak_that_began_in_time_may_end_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert wait_until_healthy(lambda: Answer(200, ""), lambda: False, patience=0) == (True, Answer(200, ""))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(301, ""), "X-Forwarded-Proto"),
        (Answer(400, "Bad Request"), "hosts that the application allows"),
        (Answer(404, ""), "serve this path"),
        (Answer(503, "database:\n down"), "status 503: database: down"),
        (Answer(0, "nothing within 5 s"), "no answer: nothing within 5 s"),
    ],
)
def test_answers_are_explained(answer: Answer, told: str) -> None:
    assert told in answer.describe()


def test_accept_queue_is_found_by_path() -> None:
    listing = "u_str LISTEN 3 2048 /run/atlas/blue.sock 17 * 0\nu_str LISTEN 0 2048 /run/atlas/green.sock 18 * 0\n"
    assert queue_length(listing, "/run/atlas/blue.sock") == 3
    assert queue_length(listing, "/run/atlas/green.sock") == 0
    assert queue_length(listing, "/run/atlas/none.sock") == 0


def test_reason_of_a_crash_is_not_buried_under_its_repetitions() -> None:
    crash = (
        "[2026-11-22 03:58:36 +0000] [176] [INFO] Starting gunicorn\n"
        "Traceback (most recent call last):\n"
        "ModuleNotFoundError: No module named 'x'\n"
        "[2026-11-22 03:58:36 +0000] [176] [ERROR] Worker (pid:178) exited with code 3.\n"
        "[2026-11-22 03:58:36 +0000] [176] [ERROR] Reason: Worker failed to boot.\n"
    )
    assert telling_lines(crash * 3) == [
        "Traceback (most recent call last):",
        "ModuleNotFoundError: No module named 'x'",
    ]


def test_reason_of_a_crash_is_not_buried_under_gunicorns_own_frames() -> None:
    crash = """Traceback (most recent call last):
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker
    worker.init_process()
    ~~~~~~~~~~~~~~~~~~~^^
  File "/srv/a/releases/1/src/site_app.py", line 1, in <module>
    import a_module_that_is_missing
ModuleNotFoundError: No module named 'a_module_that_is_missing'
Traceback (most recent call last):
  File "/srv/a/releases/1/venv/bin/gunicorn", line 10, in <module>
    sys.exit(run())
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 405, in halt
    self.stop()
    ~~~~~~~~~^^
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""
    assert telling_lines(crash) == [
        "Traceback (most recent call last):",
        '  File "/srv/a/releases/1/src/site_app.py", line 1, in <module>',
        "    import a_module_that_is_missing",
        "ModuleNotFoundError: No module named 'a_module_that_is_missing'",
        "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>",
    ]


def test_reason_of_a_crash_is_not_buried_under_what_uvicorn_says() -> None:
    crash = """INFO:     Started server process [176]
INFO:     Waiting for application startup.
Traceback (most recent call last):
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/uvicorn/lifespan/on.py", line 92, in main
    await app(scope, self.receive, self.send)
  File "/srv/a/releases/1/src/feed_app.py", line 3, in lifespan
    raise RuntimeError("no settings")
RuntimeError: no settings
"""
    assert telling_lines(crash) == [
        "Traceback (most recent call last):",
        '  File "/srv/a/releases/1/src/feed_app.py", line 3, in lifespan',
        '    raise RuntimeError("no settings")',
        "RuntimeError: no settings",
    ]


def test_second_deploy_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "atlas" / "deploy.lock"
    lock.parent.mkdir()
    with (
        deploy_lock(lock, "anna"),
        pytest.raises(LockHeldError, match=r"atlas: another deploy is running \(anna, process") as raised,
        deploy_lock(lock, "ben"),
    ):
        pass
    assert raised.value.exit_code == 75
    with deploy_lock(lock, "ben"):
        pass
