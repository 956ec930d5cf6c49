"""Units that must run, with a systemctl that remembers what it was asked."""

from collections.abc import Sequence

import pytest
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.units import Done, Unit, keep_running

RUNNING = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
NGINX = Unit("nginx.service", enabled=True)


class FakeSystemctl:
    """Answers `show` with what it is given, and any other command with success unless it is one of `failing`."""

    def __init__(self, failing: str = "", **state: str) -> None:
        self.state = {**RUNNING, **state}
        self.failing = failing
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> Done:
        if command[1] == "show":
            return Done(0, "".join(f"{key}={value}\n" for key, value in self.state.items()))
        if command[0] == "journalctl":
            return Done(0, "the last words of nginx\n")
        self.commands.append(" ".join(command[1:]))
        return Done(int(command[1] == self.failing), "Job failed.\n")


@pytest.mark.parametrize("state", ["active", "activating", "reloading"])
def test_a_running_unit_is_left_alone(state: str) -> None:
    systemctl = FakeSystemctl(ActiveState=state)
    assert keep_running([NGINX], False, systemctl) == []
    assert systemctl.commands == []


def test_no_units_no_commands() -> None:
    systemctl = FakeSystemctl(ActiveState="failed")
    assert keep_running([], False, systemctl) == []
    assert systemctl.commands == []


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_stopped_unit_is_started_by_its_present_files(state: str) -> None:
    systemctl = FakeSystemctl(ActiveState=state)
    assert keep_running([NGINX], False, systemctl) == ["start nginx.service"]
    assert systemctl.commands == ["daemon-reload", "start nginx.service"]


def test_a_unit_is_enabled_only_if_asked() -> None:
    systemctl = FakeSystemctl(UnitFileState="disabled")
    assert keep_running([NGINX, Unit("other.service", enabled=False)], False, systemctl) == ["enable nginx.service"]
    assert systemctl.commands == ["daemon-reload", "enable nginx.service"]


@pytest.mark.parametrize("state", ["static", "alias", "indirect", "generated"])
def test_a_unit_that_cannot_be_enabled_is_left_alone(state: str) -> None:
    assert keep_running([NGINX], False, FakeSystemctl(UnitFileState=state)) == []


def test_check_mode_tells_and_does_nothing() -> None:
    systemctl = FakeSystemctl(LoadState="not-found", ActiveState="inactive", UnitFileState="")
    assert keep_running([NGINX], True, systemctl) == ["enable nginx.service", "start nginx.service"]
    assert systemctl.commands == []


def test_a_unit_that_does_not_start_is_told_with_its_log() -> None:
    with pytest.raises(TreeError, match=r"systemctl start nginx.service failed") as problem:
        keep_running([NGINX], False, FakeSystemctl(failing="start", ActiveState="failed"))
    assert problem.value.output == "Job failed.\nthe last words of nginx"
