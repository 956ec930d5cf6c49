"""The slot of before a deploy is kept warm: a rollback takes it up, and nothing else is changed by it."""

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Answer
from ansible.module_utils.roost_app.releases import write_manifest
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_app.warm import Warmth

from tests.unit.app.conftest import FakeSystemd

BLUE = {"atlas@blue.socket", "atlas@blue.service"}
GREEN = {"atlas@green.socket", "atlas@green.service"}
KEEPER = "roost-warm-atlas-blue.service"


class ListeningSystemd(FakeSystemd):
    """It notes which units were started; that cures what answers."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__()
        self.started: list[str] = []
        self.answers = answers

    def __call__(self, verb: str, *arguments: str) -> None:
        if verb == "start":
            self.answers[:] = [Answer(200, "")]
            self.started += [argument for argument in arguments if not argument.startswith("--")]
        super().__call__(verb, *arguments)


@pytest.fixture
def deployed(slots: Slots, answers: list[Answer]) -> Slots:
    """Release two is live in green, and blue is kept warm with release one."""
    slots.paths.release("three").mkdir()
    write_manifest(slots.paths.release("three"), {"built": "three"})
    kept = replace(slots, systemd=ListeningSystemd(answers), warmth=Warmth(10, 30))
    kept.switch_to("one")
    kept.switch_to("two")
    kept.systemd.started.clear()
    return kept


def test_a_deploy_keeps_the_slot_of_before_but_not_at_boot(deployed: Slots) -> None:
    assert deployed.systemd.active == BLUE | GREEN | {KEEPER}
    assert deployed.systemd.enabled == GREEN
    assert deployed.is_tidy()


def test_a_rollback_takes_it_up_and_stops_what_it_leaves(deployed: Slots) -> None:
    assert replace(deployed, warmth=None).switch_to("one") == "blue"
    assert deployed.systemd.started == []
    assert deployed.systemd.active == deployed.systemd.enabled == BLUE
    assert deployed.is_tidy()


def test_a_deploy_that_needs_it_stops_it_first(deployed: Slots) -> None:
    deployed.switch_to("three")
    assert deployed.systemd.active == BLUE | GREEN | {"roost-warm-atlas-green.service"}
    assert deployed.systemd.started == ["atlas@blue.socket", "atlas@blue.service"]


def cools_down(deployed: Slots, _: list[Answer]) -> None:
    deployed.systemd.active -= {*BLUE, KEEPER}


def ends_by_itself(deployed: Slots, _: list[Answer]) -> None:
    deployed.systemd.active.discard("atlas@blue.service")


def is_ill(_: Slots, answers: list[Answer]) -> None:
    answers[:] = [Answer(500, "")]


def has_another_environment(deployed: Slots, _: list[Answer]) -> None:
    deployed.paths.environment.write_text('A="2"\n')


@pytest.mark.parametrize("happens", [cools_down, ends_by_itself, is_ill, has_another_environment])
def test_one_that_can_not_serve_at_once_is_started_anew(deployed: Slots, answers: list[Answer], happens: Any) -> None:
    happens(deployed, answers)
    assert deployed.switch_to("one") == "blue"
    assert deployed.systemd.started == ["atlas@blue.socket", "atlas@blue.service"]
    assert deployed.live_release() == "one"


def test_a_bad_release_ends_the_warm_slot_and_leaves_the_live_one(deployed: Slots) -> None:
    deployed.systemd.crashing = True
    with pytest.raises(ReleaseError):
        deployed.switch_to("three")
    assert deployed.systemd.active == deployed.systemd.enabled == GREEN


def test_a_slot_with_other_settings_than_the_present_ones_is_not_kept(deployed: Slots) -> None:
    deployed.paths.environment.write_text('A="2"\n')
    deployed.switch_to("two")
    assert deployed.systemd.active == deployed.systemd.enabled == BLUE


def test_a_run_killed_before_the_keeper_began_leaves_a_slot_that_the_next_one_stops(deployed: Slots) -> None:
    deployed.systemd.active.discard(KEEPER)
    assert not deployed.is_tidy()
    deployed.tidy()
    assert deployed.systemd.active == GREEN
    assert deployed.is_tidy()


def test_a_slot_that_can_not_be_kept_is_stopped(slots: Slots, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ReleaseError("`systemd-run` failed")

    monkeypatch.setattr(slots.systemd, "run_aside", refuse)
    kept = replace(slots, warmth=Warmth(10, 30))
    kept.switch_to("one")
    kept.switch_to("two")
    assert slots.systemd.active == slots.systemd.enabled == GREEN
