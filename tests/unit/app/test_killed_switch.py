"""A switch that is killed after any of its steps: the host boots into the slot that serves, and a run mends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible.module_utils.roost_app import slots as slots_module
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Answer
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_app.warm import Warmth

from tests.unit.app.conftest import FakeSystemd

ENOUGH_STEPS = 40


class KilledError(BaseException):
    """The run was killed: nothing that it would have done afterwards happens."""


@dataclass
class MortalSystemd(FakeSystemd):
    """systemd, and a run that is killed once it has taken `left` steps; each unit of a command is a step."""

    left: int = ENOUGH_STEPS
    taken: list[str] = field(default_factory=list)

    def step(self, what: str) -> None:
        if len(self.taken) == self.left:
            raise KilledError
        self.taken.append(what)

    def __call__(self, verb: str, *arguments: str) -> None:
        options = [argument for argument in arguments if argument.startswith("--")]
        for unit in [argument for argument in arguments if argument not in options]:
            self.step(f"{verb} {unit}")
            super().__call__(verb, *options, unit)

    def enable(self, *units: str) -> None:
        for unit in units:
            self.step(f"enable {unit}")
            super().enable(unit)

    def disable(self, *units: str) -> None:
        for unit in units:
            self.step(f"disable {unit}")
            super().disable(unit)

    def run_aside(self, unit: str, *command: str) -> None:
        self.step(f"run {unit}")
        super().run_aside(unit, *command)

    def kill(self, unit: str) -> None:
        self.step(f"kill {unit}")
        super().kill(unit)


@pytest.fixture
def systemd(slots: Slots, monkeypatch: pytest.MonkeyPatch) -> MortalSystemd:
    """What remembers and limits the steps of the fixture `slots`; release one is live."""
    slots.switch_to("one")
    mortal = MortalSystemd(slots.systemd.active, slots.systemd.enabled)
    object.__setattr__(slots, "systemd", mortal)
    point = slots_module.point

    def counted_point(link: Any, target: str) -> None:
        mortal.step(f"point {link.name}")
        point(link, target)

    monkeypatch.setattr(slots_module, "point", counted_point)
    return mortal


@contextmanager
def killed_after(systemd: MortalSystemd, steps: int) -> Iterator[None]:
    """Kill what runs in this context after a number of steps; what runs later is not killed."""
    systemd.taken.clear()
    systemd.left = steps
    try:
        yield
    except (KilledError, ReleaseError):
        pass
    finally:
        systemd.left = 10 * ENOUGH_STEPS


def live_units(slots: Slots) -> set[str]:
    return {slots.paths.server.unit(slots.live(), kind) for kind in ("socket", "service")}


def reboot(systemd: MortalSystemd) -> None:
    systemd.active.clear()
    systemd.active.update(systemd.enabled)


def mend(slots: Slots) -> None:
    if not slots.is_tidy():
        slots.tidy()


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("rebooted", [False, True])
@pytest.mark.parametrize("steps", range(ENOUGH_STEPS))
def test_the_live_slot_serves_after_a_kill_at_any_step(  # noqa: PLR0917 - fixtures and the table's columns
    slots: Slots, systemd: MortalSystemd, answers: list[Answer], steps: int, rebooted: bool, status: int
) -> None:
    answers[:] = [Answer(status, "")]
    with killed_after(systemd, steps):
        slots.switch_to("two")
    if rebooted:
        reboot(systemd)

    release = slots.live_release()
    assert release in ({"one", "two"} if status == 200 else {"one"})
    assert live_units(slots) <= systemd.enabled & systemd.active
    assert slots.serves(release)
    mend(slots)
    assert systemd.active == systemd.enabled == live_units(slots)
    assert slots.paths.current.readlink().name == release


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("rebooted", [False, True])
@pytest.mark.parametrize("steps", range(ENOUGH_STEPS))
def test_the_live_slot_serves_after_a_kill_beside_a_warm_one(  # noqa: PLR0917 - fixtures and the table's columns
    slots: Slots, systemd: MortalSystemd, answers: list[Answer], steps: int, rebooted: bool, status: int
) -> None:
    with killed_after(systemd, steps):
        replace(slots, warmth=Warmth(10, 30)).switch_to("two")
    answers[:] = [Answer(status, "")]
    with killed_after(systemd, ENOUGH_STEPS - steps):
        slots.switch_to("one" if slots.live_release() == "two" else "two")
    if rebooted:
        reboot(systemd)

    assert live_units(slots) <= systemd.enabled & systemd.active
    mend(slots)
    assert systemd.enabled == live_units(slots)
    keepers = {unit for unit in systemd.active if unit.startswith("roost-warm-")}
    assert (len(keepers), len(systemd.active)) in {(0, 2), (1, 5)}, "the live slot, and a warm one with its keeper"
    assert f"roost-warm-atlas-{slots.live()}.service" not in keepers


def test_every_step_is_among_those_that_are_killed(slots: Slots, systemd: MortalSystemd) -> None:
    with killed_after(systemd, ENOUGH_STEPS):
        slots.switch_to("two")
    assert len(systemd.taken) < ENOUGH_STEPS
    order = [systemd.taken.index(step) for step in ("enable atlas@green.service", "point live.sock")]
    assert order == sorted(order)
    assert systemd.taken.index("point live.sock") < systemd.taken.index("disable atlas@blue.socket")
