"""The switch, with a systemd that only remembers what it was told."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.errors import LockHeldError, ReleaseError
from ansible.module_utils.roost_app.health import Answer, Health, wait_until_healthy
from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.releases import target_name
from ansible.module_utils.roost_app.slots import Slots


def test_first_release_takes_the_first_slot(slots: Slots) -> None:
    assert slots.live_release() == ""
    slots.switch_to("one")
    assert (slots.live(), slots.live_release()) == ("blue", "one")
    assert target_name(slots.paths.current) == "one"
    assert slots.serves("one")
    assert slots.is_tidy()


def test_next_release_takes_the_other_slot_and_stops_the_old_one(slots: Slots) -> None:
    slots.switch_to("one")
    assert target_name(slots.paths.previous) == ""
    slots.switch_to("two")
    assert target_name(slots.paths.previous) == "one"
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


def test_slot_that_can_not_be_started_leaves_the_old_one(slots: Slots) -> None:
    slots.switch_to("one")
    slots.systemd.refusing = True
    with pytest.raises(ReleaseError, match="release two is not healthy; release one keeps serving") as raised:
        slots.switch_to("two")
    assert "Failed to create listening socket" in str(raised.value)
    assert raised.value.reason.endswith("failed: Failed to create listening socket")
    assert slots.serves("one")
    assert slots.is_tidy()


def test_settings_that_a_release_can_not_bear_leave_it_with_those_of_before(slots: Slots) -> None:
    slots.switch_to("one")
    slots.systemd.crashing = True
    slots.paths.environment.write_text('A="2"\n')
    with pytest.raises(ReleaseError, match="release one is not healthy; it keeps serving with the settings of before"):
        slots.switch_to("one")


def test_changed_environment_outdates_the_live_slot(slots: Slots) -> None:
    slots.switch_to("one")
    slots.paths.environment.write_text('A="2"\n')
    assert not slots.serves("one")
    slots.switch_to("one")
    assert slots.serves("one")
    assert slots.live() == "green"


def own_files(slots: Slots, slot: str) -> list[str]:
    files = [
        slots.paths.slot_environment(slot),
        *(slots.paths.server.own_file(slot, kind) for kind in ("socket", "service")),
    ]
    return [file.read_text() for file in files]


def test_a_slot_keeps_what_it_was_started_with(slots: Slots, answers: list[Answer]) -> None:
    slots.switch_to("one")
    slots.paths.environment.write_text('A="bad"\n')
    slots.paths.server.template("service").write_text("# a bad one\n")
    answers[:] = [Answer(500, "on fire")]
    with pytest.raises(ReleaseError):
        slots.switch_to("one")
    assert own_files(slots, "blue") == ['A="1"\n', "# a socket\n", "# a service\n"]
    assert own_files(slots, "green") == ['A="bad"\n', "# a socket\n", "# a bad one\n"]
    assert slots.paths.slot_environment("green").stat().st_mode & 0o777 == 0o600


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


@pytest.fixture
def with_frontend(slots: Slots) -> Slots:
    for release in ("one", "two"):
        slots.paths.frontend_environment(release).touch()
    return replace(slots, frontend=Health("/", "atlas.example.com"))


def links(slots: Slots) -> list[str]:
    found = (slots.paths.server.live.readlink(), slots.paths.frontend.live.readlink())
    return [str(path.relative_to(slots.paths.host / "run")) for path in found]


def test_the_server_of_a_front_end_goes_along(with_frontend: Slots) -> None:
    with_frontend.switch_to("one")
    with_frontend.switch_to("two")
    assert links(with_frontend) == ["atlas/green.sock", "atlas-frontend/green.sock"]
    units = {f"{name}@green.{kind}" for name in ("atlas", "atlas-frontend") for kind in ("socket", "service")}
    assert with_frontend.systemd.active == with_frontend.systemd.enabled == units
    assert with_frontend.is_tidy()
    with_frontend.systemd.active.discard("atlas-frontend@green.service")
    assert not with_frontend.serves("two")


def test_a_front_end_that_is_not_healthy_leaves_the_old_release(with_frontend: Slots, answers: list[Answer]) -> None:
    with_frontend.switch_to("one")
    answers[:] = [*[Answer(200, "")] * 3, Answer(404, "no page")]
    with pytest.raises(ReleaseError, match="GET / for atlas"):
        with_frontend.switch_to("two")
    assert links(with_frontend) == ["atlas/blue.sock", "atlas-frontend/blue.sock"]
    assert with_frontend.serves("one")
    assert with_frontend.is_tidy()


def test_a_release_without_front_end_lets_the_application_answer(with_frontend: Slots) -> None:
    with_frontend.paths.frontend_environment("two").unlink()
    with_frontend.switch_to("one")
    with_frontend.switch_to("two")
    assert links(with_frontend) == ["atlas/green.sock", "atlas/green.sock"]
    assert with_frontend.systemd.active == {"atlas@green.socket", "atlas@green.service"}
    assert with_frontend.serves("two")
    assert with_frontend.is_tidy()


def test_a_switch_killed_between_the_links_is_tidied_up(with_frontend: Slots) -> None:
    with_frontend.switch_to("one")
    with_frontend.paths.frontend.live.unlink()
    assert not with_frontend.is_tidy()
    with_frontend.tidy()
    assert with_frontend.is_tidy()


def test_a_front_end_that_is_no_longer_declared_stops(with_frontend: Slots) -> None:
    with_frontend.switch_to("one")
    without = replace(with_frontend, frontend=None)
    assert not without.is_tidy()
    without.tidy()
    assert without.systemd.active == {"atlas@blue.socket", "atlas@blue.service"}
    assert without.is_tidy()


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
