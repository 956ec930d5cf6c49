"""config_tree with confirm_within: what is not confirmed is taken back."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.config_tree import revert
from ansible.module_utils.config_tree.errors import TreeError

from tests.unit.config_tree.host import REFUSE, Host, file, killed_at, without_times


class Timers:
    """Stands for systemd: remembers the program that each timer would start."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.stopped: list[str] = []

    def command(self, command: Sequence[str], _seconds: int) -> None:
        if command[0] == "systemd-run":
            self.commands.append(list(command[command.index(sys.executable) :]))
        elif command[0] == "systemctl":
            self.stopped.append(command[-1])

    def fire(self, index: int = -1) -> None:
        """Start the program of a timer as systemd does: in a process of its own."""
        subprocess.run([self.commands[index][0], "-I", *self.commands[index][1:]], check=True, timeout=60)


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    timers = Timers()
    monkeypatch.setattr(revert, "check_command", timers.command)
    return timers


@pytest.fixture
def confirm(folder: Path) -> dict[str, Any]:
    """The options; the command leaves a trace."""
    return {"confirm_within": 60, "revert_command": ["touch", str(folder / "reloaded")]}


def test_an_unconfirmed_change_is_taken_back(host: Host, timers: Timers, confirm: dict[str, Any], folder: Path) -> None:
    host.put("etc/theirs", "before us")
    before = host.snapshot()
    host.apply({"etc/a": "one", "etc/theirs": "ours"}, links={"new/l": "x"}, **confirm)
    timers.fire()
    assert host.snapshot() == before
    assert (folder / "reloaded").exists()
    with pytest.raises(TreeError, match="was not confirmed in time"):
        host.settle()


def test_the_run_after_that_applies_it_again(host: Host, timers: Timers, confirm: dict[str, Any]) -> None:
    host.apply({"a": "one"}, **confirm)
    timers.fire()
    assert host.apply({"a": "one"}, **confirm)["pending"] == ["reload"]
    assert host.files() == {"a": "one"}
    host.settle()
    assert not host.apply({"a": "one"}, **confirm)["changed"]


def test_a_confirmed_change_stays(host: Host, timers: Timers, confirm: dict[str, Any], folder: Path) -> None:
    host.apply({"a": "one"}, **confirm)
    program = folder / "copy.pyz"
    program.write_bytes(Path(timers.commands[-1][1]).read_bytes())
    assert host.settle() == ["reload"]
    assert timers.stopped
    timers.commands[-1][1] = str(program)
    timers.fire()
    assert host.files() == {"a": "one"}
    assert not (folder / "reloaded").exists()


def test_an_unchanged_tree_sets_no_timer(host: Host, timers: Timers, confirm: dict[str, Any]) -> None:
    host.apply({"a": "one"}, **confirm)
    host.settle()
    host.apply({"a": "one"}, **confirm)
    assert len(timers.commands) == 1


def test_a_second_run_before_the_confirmation_waits_anew(host: Host, timers: Timers, confirm: dict[str, Any]) -> None:
    host.apply({"a": "one"})
    host.settle()
    before = host.snapshot()
    host.apply({"a": "two", "b": "new"}, **confirm)
    host.apply({"a": "three"}, **confirm)
    assert host.apply({"a": "three"}, **confirm)["changed_paths"] == []
    assert len(timers.commands) == 3
    assert len(timers.stopped) == 2
    timers.fire(0)
    timers.fire(1)
    assert host.files() == {"a": "three"}
    timers.fire(2)
    assert host.snapshot() == before


def test_a_second_run_that_is_refused_leaves_the_first_unconfirmed(
    host: Host, timers: Timers, confirm: dict[str, Any]
) -> None:
    before = host.snapshot()
    host.apply({"a": "one"}, **confirm)
    with pytest.raises(TreeError):
        host.apply({"a": "two"}, validate=REFUSE, **confirm)
    assert host.files() == {"a": "one"}
    timers.fire()
    assert host.snapshot() == before


@pytest.mark.usefixtures("timers")
def test_what_a_timer_takes_back_after_a_kill(folder: Path, confirm: dict[str, Any]) -> None:
    """The timer of an earlier run also undoes what a later, killed run left half-done."""
    for step in range(1, 300):
        host = Host(folder / str(step))
        before = without_times(host.snapshot())
        host.apply({"a": "one", "b": "one"}, **confirm)
        if not killed_at(step, lambda host=host: host.apply({"a": "two", "c": "two"}, **confirm)):
            break
        armed = json.loads((Path(host.state.revert) / "armed.json").read_text())
        revert.take_back(host.state, armed["token"])
        assert without_times(host.snapshot()) == before
    else:
        pytest.fail("there are more steps than expected")


def test_a_timer_that_is_killed_is_finished_by_the_next_run(
    folder: Path, timers: Timers, confirm: dict[str, Any]
) -> None:
    for step in range(1, 300):
        host = Host(folder / str(step))
        host.apply({"a": "one", "b": "one"}, **confirm)
        token = timers.commands[-1][-1]
        if not killed_at(step, lambda host=host, token=token: revert.take_back(host.state, token)):
            break
        told = host.apply({"a": "three"}, **confirm, check=True)
        assert host.apply({"a": "three"}, **confirm) == told
        assert host.files() == {"a": "three"}
        timers.fire()
        assert host.files() == {}
    else:
        pytest.fail("there are more steps than expected")


def test_no_timer_no_change(host: Host, monkeypatch: pytest.MonkeyPatch, confirm: dict[str, Any]) -> None:
    def fail(*_: Any) -> None:
        raise TreeError("systemd-run failed with exit code 1")

    monkeypatch.setattr(revert, "check_command", fail)
    with pytest.raises(TreeError, match="systemd-run failed with exit code 1; nothing was changed"):
        host.apply({"a": "one"}, **confirm)
    assert host.files() == {}


def test_a_run_without_the_option_confirms(host: Host, timers: Timers, confirm: dict[str, Any]) -> None:
    host.apply({"a": "one"}, **confirm)
    host.apply({"a": "two"})
    assert timers.stopped
    assert host.settle() == ["reload"]
    assert host.files() == {"a": "two"}


def test_the_program_is_for_root_alone(host: Host, timers: Timers, confirm: dict[str, Any]) -> None:
    host.apply({"a": file("hunter2", secret=True)}, **confirm)
    program = Path(timers.commands[-1][1])
    assert program.stat().st_mode & 0o7777 == 0o700
    assert b"hunter2" not in program.read_bytes()
