"""Changes that are taken back unless they are confirmed in time.

The journals of unconfirmed runs are kept, numbered, in the directory `revert` of the state, with a program
that rolls them back. A transient systemd timer runs it. Each timer has a token of its own and only the one that
is written in `armed.json` counts, so an old timer that fires late does nothing.
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from ansible.module_utils.config_tree.command import check_command
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.journal import Journal, discard, move, read_journal, repair, sync_directory
from ansible.module_utils.config_tree.record import write_new
from ansible.module_utils.config_tree.state import State

_COMMAND_SECONDS = 60
_PACKAGE = "ansible.module_utils.config_tree"
_MAIN = f"""
import sys
from {_PACKAGE}.revert import take_back
from {_PACKAGE}.state import State

root, name, token = sys.argv[1:]
take_back(State(root, name), token)
"""


class Armed(NamedTuple):
    """What counts at present: the token of the timer and the command that makes the old files effective."""

    token: str
    command: list[str]


def is_unconfirmed(state: State) -> bool:
    """Tell whether there are changes that may still be taken back."""
    return bool(_numbers(state))


def arm(state: State, seconds: int, command: Sequence[str]) -> None:
    """Let everything unconfirmed be taken back after `seconds`, and `command` be run then.

    A timer that was set before no longer counts. Raises TreeError if no timer can be set.
    """
    if not os.path.isdir(state.revert):
        os.mkdir(state.revert, 0o700)
    token = os.urandom(6).hex()
    _write_program(_program(state))
    before = _read_armed(state)
    check_command(_timer_command(state, token, seconds), _COMMAND_SECONDS)
    _write_armed(state, Armed(token, list(command)))
    if before:
        _stop_timer(state, before.token)


def keep(journal: Journal, state: State) -> None:
    """End a run whose changes are not confirmed yet."""
    number = max(_numbers(state), default=0) + 1
    move(journal.directory, os.path.join(state.revert, str(number)))
    sync_directory(state.directory)


def disarm(state: State) -> None:
    """Confirm everything."""
    armed = _read_armed(state)
    discard(state.revert)
    if armed:
        _stop_timer(state, armed.token)


def take_back(state: State, token: str) -> None:
    """Take back everything unconfirmed and run the command; what the timer with `token` does."""
    with state.locked():
        armed = _read_armed(state)
        if armed is None or armed.token != token:
            return
        if not os.path.isdir(state.journal) and not is_unconfirmed(state):
            return
        state.note_taken_back()
        repair(state.journal)
        finish_taking_back(state)
    name = os.path.basename(state.directory)
    sys.stdout.write(f"{name}: the change was not confirmed, so the old files are back\n")
    check_command(armed.command, _COMMAND_SECONDS)


def finish_taking_back(state: State) -> None:
    """Take back what is still unconfirmed although `take_back` has begun."""
    if state.was_taken_back():
        for journal in unconfirmed_journals(state):
            journal.roll_back()
            discard(journal.directory)
        discard(state.revert)


def unconfirmed_journals(state: State) -> list[Journal]:
    """Return the journals of all unconfirmed runs, the last one first."""
    directories = [os.path.join(state.revert, str(number)) for number in _numbers(state)[::-1]]
    return [journal for journal in map(read_journal, directories) if journal]


def _numbers(state: State) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(state.revert) if name.isdecimal())
    except FileNotFoundError:
        return []


def _program(state: State) -> str:
    return os.path.join(state.revert, "run.pyz")


def _write_program(path: str) -> None:
    """Write what the timer runs: the modules of this package that are loaded now, in one archive."""
    draft = path + ".new"
    with zipfile.ZipFile(draft, "w") as archive:
        archive.writestr("__main__.py", _MAIN)
        archive.writestr("ansible/__init__.py", "")
        archive.writestr("ansible/module_utils/__init__.py", "")
        for module in [_PACKAGE, *(name for name in sys.modules if name.startswith(_PACKAGE + "."))]:
            file = "__init__.py" if module == _PACKAGE else module.rpartition(".")[2] + ".py"
            archive.writestr(f"ansible/module_utils/config_tree/{file}", pkgutil.get_data(_PACKAGE, file) or b"")
    os.chmod(draft, 0o700)
    os.rename(draft, path)


def _timer_command(state: State, token: str, seconds: int) -> list[str]:
    root, name = os.path.split(state.directory)
    return [
        "systemd-run",
        f"--unit={_unit(state, token)}",
        f"--on-active={seconds}",
        "--timer-property=AccuracySec=1s",
        f"--description=Take back the unconfirmed change of {name}",
        sys.executable,
        _program(state),
        root,
        name,
        token,
    ]


def _stop_timer(state: State, token: str) -> None:
    try:
        check_command(["systemctl", "stop", f"{_unit(state, token)}.timer"], _COMMAND_SECONDS)
    except TreeError:
        return  # it has fired already; without its token it does nothing


def _unit(state: State, token: str) -> str:
    return f"roost-revert-{os.path.basename(state.directory)}-{token}"


def _armed(state: State) -> str:
    return os.path.join(state.revert, "armed.json")


def _read_armed(state: State) -> Armed | None:
    try:
        with open(_armed(state), "rb") as file:
            return Armed(**json.load(file))
    except FileNotFoundError:
        return None


def _write_armed(state: State, armed: Armed) -> None:
    draft = f"{_armed(state)}.{armed.token}"
    write_new(draft, json.dumps(armed._asdict()).encode())
    os.rename(draft, _armed(state))
    sync_directory(state.revert)
