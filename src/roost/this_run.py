"""Which run of Ansible is this, and has another one of this machine ended?

A run's name says where to look for its process: the machine, the process, and when that was started, because numbers
of processes are used again. Where /proc doesn't tell, nobody can know that a run has ended.
"""

import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_ENDED = ("Z", "X")


def this_run() -> str:
    """The name of the run that this process of Ansible, a worker or the one that starts them, belongs to."""
    process = os.getppid() if multiprocessing.parent_process() else os.getpid()
    return f"{_machine() or socket.gethostname()}/{process}/{_started(process)}"


def is_gone(run: str) -> bool:
    """Whether it is known that a run has ended: it was one of this machine, and its process is no more."""
    machine, process, started = run.rsplit("/", 2)
    return bool(started) and machine == _machine() and _started(int(process)) != started


def execute_in_turn(
    execute: Callable[[dict[str, Any]], dict[str, Any]], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Execute a module that takes a turn; once more, with that knowledge, if a run that has ended holds it."""
    result = execute(dict(arguments))
    holder = str(result.get("held_by", ""))
    return execute({**arguments, "gone": holder}) if holder and is_gone(holder) else result


def _machine() -> str:
    """What is the same for all processes that can see one another, and for no others; empty if unknown."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """When a process was started, in the kernel's ticks; empty if there is none, or it has ended."""
    try:
        fields = (_PROC / str(process) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in _ENDED else fields[19]
