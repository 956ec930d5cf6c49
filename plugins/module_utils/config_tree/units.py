"""Keep systemd units running."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.config_tree.errors import TreeError

_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState")
_RUNNING = {"active", "activating", "reloading", "refreshing"}
_NOT_ENABLED = {"", "disabled", "masked", "masked-runtime", "linked", "linked-runtime", "bad"}
_LOG_LINES = "10"

Run = Callable[[Sequence[str]], "Done"]


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    output: str


class Unit(NamedTuple):
    """A unit that must run, and start at boot if `enabled`; otherwise its start at boot is left as it is."""

    name: str
    enabled: bool


def execute(command: Sequence[str]) -> Done:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Done(done.returncode, done.stdout.decode(errors="replace"))


def keep_running(units: Sequence[Unit], check_mode: bool, run: Run = execute) -> list[str]:
    """Enable and start what isn't, and return what that took, as in `start nginx.service`.

    Raises TreeError, with the unit's last log lines, if one doesn't start. In check mode, a unit that isn't
    installed yet counts as one that would be started.
    """
    actions = [action for unit in units for action in _due(unit, _state(unit, run))]
    if actions and not check_mode:
        _act(["systemctl", "daemon-reload"], "", run)
        for verb, name in actions:
            _act(["systemctl", verb, name], name, run)
    return [f"{verb} {name}" for verb, name in actions]


def _state(unit: Unit, run: Run) -> dict[str, Any]:
    shown = run(["systemctl", "show", "--property", ",".join(_PROPERTIES), "--", unit.name]).output
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def _due(unit: Unit, state: dict[str, Any]) -> list[tuple[str, str]]:
    actions = []
    if unit.enabled and state.get("UnitFileState", "") in _NOT_ENABLED:
        actions.append(("enable", unit.name))
    if state.get("ActiveState") not in _RUNNING:
        actions.append(("start", unit.name))
    return actions


def _act(command: Sequence[str], unit: str, run: Run) -> None:
    done = run(command)
    if done.code:
        log = run(["journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", _LOG_LINES, "-u", unit]) if unit else done
        raise TreeError(f"{' '.join(command)} failed", f"{done.output}{log.output if unit else ''}".strip())
