"""Lets a slot start, and the one before it go once the new one has loaded its application."""

from __future__ import annotations

import time

from ansible.module_utils.roost_app.releases import point
from ansible.module_utils.roost_celery.errors import ProgramsError
from ansible.module_utils.roost_celery.loaded import has_loaded
from ansible.module_utils.roost_celery.slots import Step
from ansible.module_utils.roost_celery.supervisor import (
    FAILING,
    POLL_SECONDS,
    STARTED,
    STOPPED,
    UNKNOWN,
    Supervisor,
)

READY_SECONDS = 60


def carry_out(step: Step, supervisor: Supervisor) -> None:
    """Do what one declared program needs; raise ProgramsError, with its log, if it doesn't load its application.

    Then those that worked before go on.
    """
    if step.starts:
        _make_room(step.program, supervisor)
    if step.moves:
        point(step.declared.link, step.declared.slot_of(step.program))
    if step.starts:
        _start(step, supervisor)
    if not _loads(step, supervisor):
        raise ProgramsError(_give_up(step, supervisor))
    for program in step.leaving:
        supervisor.stop(program)
    for program in step.idle:
        _equip(program, supervisor)


def _make_room(program: str, supervisor: Supervisor) -> None:
    """Let the former process of a program end: it may still work on tasks of two releases ago."""
    if supervisor.process(program).state in {*STARTED, FAILING}:
        supervisor.stop(program)
    supervisor.wait_until_stopped(program)


def _start(step: Step, supervisor: Supervisor) -> None:
    if step.is_read:
        supervisor.start(step.program)
    else:
        supervisor.read_anew(step.program)


def _loads(step: Step, supervisor: Supervisor) -> bool:
    """Wait until the program has loaded its application; tell whether it has."""
    deadline = time.monotonic() + READY_SECONDS
    while (process := supervisor.process(step.program)).state in STARTED and time.monotonic() < deadline:
        if has_loaded(step.declared.app, step.program, process.pid, step.declared.host):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _give_up(step: Step, supervisor: Supervisor) -> str:
    """Go back to what works, and say what happened."""
    state = supervisor.process(step.program).state.lower()
    lines = [f"  {line[:200]}" for line in supervisor.log_end(step.program)]
    fate = "the one before works on. " if _goes_back(step, supervisor) else ""
    return "\n".join([f"{step.program} has not loaded its application ({state}); {fate}Its log ends with:", *lines])


def _goes_back(step: Step, supervisor: Supervisor) -> bool:
    """Leave the program for the one before it, if that works; tell whether it does."""
    declared = step.declared
    for program in step.leaving:
        process = supervisor.process(program)
        if process.state in STARTED and has_loaded(declared.app, program, process.pid, declared.host):
            supervisor.stop(step.program)
            if slot := declared.slot_of(program):
                point(declared.link, slot)
            return True
    return False


def _equip(program: str, supervisor: Supervisor) -> None:
    """Let an idle program have its present configuration; one that still works on its tasks gets it the next time."""
    if supervisor.process(program).state in {*STOPPED, UNKNOWN.state}:
        supervisor.read_anew(program)
        supervisor.stop(program)
