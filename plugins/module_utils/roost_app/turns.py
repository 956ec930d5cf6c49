"""The turns of several applications: a run has all of them, or none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.history import now
from ansible.module_utils.roost_app.operator_lock import refuse_if_locked
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.turn import Turn, end, refuse_if_taken, take


def begin_turns(apps: list[AppPaths], params: Mapping[str, Any], check_mode: bool) -> list[str]:
    """Take all turns for the run that a module's parameters name, or only see whether it could; return warnings."""
    if check_mode:
        refuse_all(apps, params["run"], params["gone"])
        return []
    wanted = Turn(params["run"], params["who"], params["kind"], now(), time.time())
    return take_all(apps, wanted, params["gone"])


def take_all(apps: list[AppPaths], wanted: Turn, gone: str) -> list[str]:
    """Take all turns, or none; return warnings about those that were taken over."""
    told = []
    taken: list[AppPaths] = []
    try:
        for paths in apps:
            abandoned = take(paths, wanted, gone)
            taken.append(paths)
            if abandoned and not abandoned.outcome:
                told.append(
                    f"{paths.name}: a {abandoned.kind} by {abandoned.who} since {abandoned.since} was abandoned"
                )
    except ReleaseError:
        for paths in taken:
            end(paths, wanted.run)
        raise
    return told


def refuse_all(apps: list[AppPaths], run: str, gone: str) -> None:
    """Raise LockHeldError if one can't be taken."""
    for paths in apps:
        refuse_if_locked(paths)
        refuse_if_taken(paths, run, gone)


def end_all(apps: list[AppPaths], run: str) -> dict[str, Any]:
    """Give all turns back; return what they were."""
    ended = {paths.name: end(paths, run) for paths in apps}
    return {name: vars(turn) for name, turn in ended.items() if turn}
