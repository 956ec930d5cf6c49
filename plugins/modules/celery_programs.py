#!/usr/bin/python
"""Let supervisor run the present Celery programs, with the live release and the present environment."""

from __future__ import annotations

import hashlib
import time
import xmlrpc.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.celery_check import Application, look_at
from ansible.module_utils.roost_app.errors import ReleaseError

DOCUMENTATION = r"""
module: celery_programs
short_description: Let supervisor run the present Celery programs, with the live release and the present environment
description:
  - Applies changes of supervisor's configuration as C(supervisorctl update) does, and restarts the programs
    that run an older release or environment than the present one. Other programs are left alone.
  - All programs that must stop are asked at once, warmly; supervisor bounds the wait by their C(stopwaitsecs).
  - Fails, with the last lines of its log, if a program has not loaded its application in the end.
  - Warns if tasks of an application whose programs were started can be lost or run twice in spite of the settings.
author: The Roost authors
options:
  programs:
    description: The programs that must run.
    type: list
    elements: dict
    required: true
    suboptions:
      app: {description: Name of the application., type: str, required: true}
      name: {description: Name of the supervisor program., type: str, required: true}
  applications:
    description: What the programs run, to be looked at when they were started.
    type: list
    elements: dict
    default: []
    suboptions:
      app: {description: Name of the application., type: str, required: true}
      application: {description: What celery -A is given., type: str, required: true}
      settings: {description: The settings that the workers are given., type: list, elements: str, default: []}
      pools:
        description: The pools of workers.
        type: list
        elements: dict
        required: true
        suboptions:
          queues: {description: Queues that it consumes; Celery's default queue if none., type: list, elements: str}
          patience: {description: Seconds that a stopping worker gets., type: int, required: true}
"""

EXAMPLES = r"""
- name: Run the workers
  celery_programs:
    programs: [{app: atlas, name: atlas-worker-default}, {app: atlas, name: atlas-beat}]
"""

RETURN = r"""
added: {description: Programs that are new., returned: always, type: list, elements: str}
removed: {description: Programs that are no longer configured., returned: always, type: list, elements: str}
restarted: {description: Programs that were restarted or started., returned: always, type: list, elements: str}
"""

PROGRAM = {
    "app": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
}
POOL = {
    "queues": {"type": "list", "elements": "str"},
    "patience": {"type": "int", "required": True},
}
APPLICATION = {
    "app": {"type": "str", "required": True},
    "application": {"type": "str", "required": True},
    "settings": {"type": "list", "elements": "str", "default": []},
    "pools": {"type": "list", "elements": "dict", "required": True, "options": POOL},
}
ARGUMENTS = {
    "programs": {"type": "list", "elements": "dict", "required": True, "options": PROGRAM},
    "applications": {"type": "list", "elements": "dict", "default": [], "options": APPLICATION},
}

SOCKET = "unix:///run/supervisor.sock"
STOPPED = {"STOPPED", "EXITED", "FATAL"}
STARTED = {"STARTING", "RUNNING"}
SETTLING_SECONDS = 15
READY_SECONDS = 60
RECORD_SECONDS = 5
LOG_LINES = 8


class ProgramsError(Exception):
    """The programs can't be brought to run; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What must be done to the programs (supervisor's process groups) of these names."""

    added: list[str]
    changed: list[str]
    removed: list[str]
    outdated: list[str]
    stopped: list[str]

    @property
    def empty(self) -> bool:
        return not (self.started or self.removed)

    @property
    def started(self) -> list[str]:
        """The programs that load their application anew."""
        return [*self.added, *self.changed, *self.outdated, *self.stopped]


def connect() -> Any:
    """Return supervisor's interface; raise ProgramsError if it doesn't run."""
    try:
        from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - absent before the package is installed
    except ImportError:
        raise ProgramsError("supervisor is not installed") from None
    transport = SupervisorTransport(None, None, serverurl=SOCKET)
    server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    try:
        server.supervisor.getSupervisorVersion()
    except OSError as problem:
        raise ProgramsError(f"supervisor does not answer: {problem}") from problem
    return server.supervisor


def make_plan(supervisor: Any, programs: list[dict[str, str]], is_outdated: Callable[[str, str, int], bool]) -> Plan:
    """Compare what runs with what is configured."""
    try:
        [[added, changed, removed]] = supervisor.reloadConfig()
    except xmlrpc.client.Fault as problem:
        raise ProgramsError(f"supervisor's configuration is wrong: {problem.faultString}") from problem
    processes = {info["group"]: info for info in supervisor.getAllProcessInfo()}
    states = {name: info["statename"] for name, info in processes.items()}
    settled = [program for program in programs if program["name"] in states and program["name"] not in changed]
    stopped = [program["name"] for program in settled if states[program["name"]] in STOPPED]
    outdated = [
        name
        for app, name in ((program["app"], program["name"]) for program in settled)
        if states[name] == "BACKOFF" or (name not in stopped and is_outdated(app, name, processes[name]["pid"]))
    ]
    return Plan(added, changed, removed, outdated, stopped)


def apply(supervisor: Any, plan: Plan) -> None:
    """Stop, all at once, what must stop; then start what must run."""
    running = states_of(supervisor)
    to_stop = [name for name in [*plan.changed, *plan.removed, *plan.outdated] if running.get(name) not in STOPPED]
    stop_times = [config["stopwaitsecs"] for config in supervisor.getAllConfigInfo()]
    patience = max(stop_times, default=0) + SETTLING_SECONDS
    for name in to_stop:
        supervisor.stopProcessGroup(name, False)
    wait_until(lambda: all(states_of(supervisor)[name] in STOPPED for name in to_stop), patience, "stop")
    for name in [*plan.changed, *plan.removed]:
        supervisor.removeProcessGroup(name)
    for name in [*plan.added, *plan.changed]:
        supervisor.addProcessGroup(name)
    for name in [*plan.outdated, *plan.stopped]:
        supervisor.startProcessGroup(name, False)


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until it is done; raise ProgramsError when that takes longer than these seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ProgramsError(f"programs did not {what} within {seconds:g} s")
        time.sleep(0.1)


def wait_until_ready(
    supervisor: Any, programs: list[dict[str, str]], is_ready: Callable[[str, str, int], bool]
) -> None:
    """Wait until all have loaded their application; raise ProgramsError with the log of one that doesn't."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        processes = {info["group"]: info for info in supervisor.getAllProcessInfo()}
        states = {name: info["statename"] for name, info in processes.items()}
        waiting = [
            program["name"]
            for program in programs
            if states.get(program["name"]) not in STARTED
            or not is_ready(program["app"], program["name"], processes[program["name"]]["pid"])
        ]
        if not waiting:
            return
        broken = [name for name in waiting if states.get(name) not in {*STARTED, "STOPPING"}]
        if broken or time.monotonic() > deadline:
            raise ProgramsError(describe(supervisor, (broken or waiting)[0], states))
        time.sleep(0.1)


def describe(supervisor: Any, name: str, states: dict[str, str]) -> str:
    """Tell that a program doesn't run, and what it wrote last."""
    if name not in states:
        return f"supervisor knows no program {name}"
    log = supervisor.tailProcessStdoutLog(f"{name}:{name}", 0, 4096)[0]
    lines = [f"  {line[:200]}" for line in log.splitlines() if line.strip()][-LOG_LINES:]
    return "\n".join([f"{name} has not loaded its application ({states[name].lower()}). Its log ends with:", *lines])


def states_of(supervisor: Any) -> dict[str, str]:
    """Return the state of each program."""
    return {info["group"]: info["statename"] for info in supervisor.getAllProcessInfo()}


def has_loaded(app: str, program: str, pid: int, host: Path = Path("/")) -> bool:
    """Tell whether this process of the program has loaded its application: only then Celery writes its pid file."""
    file = host / "srv" / app / "celery" / f"{program}.pid"
    try:
        return file.read_text(encoding="utf-8").strip() == str(pid)
    except FileNotFoundError:
        return False


def is_outdated(app: str, program: str, pid: int, host: Path = Path("/")) -> bool:
    """Tell whether this process of the program loaded another release or environment than the present one.

    A process that was started just now gets a moment to record what it loads, as celery-program does first of all.
    """
    deadline = time.monotonic() + RECORD_SECONDS
    while (record := loaded_record(app, program, host))[1:] != [str(pid)] and time.monotonic() < deadline:
        time.sleep(0.05)
    return record != [present_digest(app, host), str(pid)]


def loaded_record(app: str, program: str, host: Path = Path("/")) -> list[str]:
    """Return what celery-program recorded: the digest of what it loaded and the process; nothing if it never ran."""
    record = host / "srv" / app / "celery" / f"{program}.loaded"
    return record.read_text(encoding="utf-8").split() if record.is_file() else []


def present_digest(app: str, host: Path = Path("/")) -> str:
    """Return the digest of what a program of the application would load now."""
    files = [host / "etc/roost/apps" / f"{app}.env", host / "srv" / app / "current/release.env"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


def shortcomings(applications: list[dict[str, Any]], apps: set[str]) -> list[str]:
    """Tell what can still happen to tasks of these applications. Their programs run, so nothing fails here."""
    found = []
    for declared in applications:
        if declared["app"] in apps:
            try:
                found += look_at(Application(**declared))
            except ReleaseError as problem:
                found.append(f"{declared['app']}: its tasks can't be looked at: {problem}")
    return found


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    programs = module.params["programs"]
    try:
        supervisor = connect()
        plan = make_plan(supervisor, programs, is_outdated)
        if not module.check_mode:
            started = {program["app"] for program in programs if program["name"] in plan.started}
            # Looking takes as long as loading, so it is done while the old programs end.
            with ThreadPoolExecutor() as pool:
                looking = pool.submit(shortcomings, module.params["applications"], started)
                apply(supervisor, plan)
                wait_until_ready(supervisor, programs, has_loaded)
                for shortcoming in looking.result():
                    module.warn(shortcoming)
    except ProgramsError as problem:
        if module.check_mode:
            module.exit_json(changed=bool(programs), added=[], removed=[], restarted=[], msg=str(problem))
        module.fail_json(msg=str(problem))
    restarted = sorted([*plan.changed, *plan.outdated, *plan.stopped])
    module.exit_json(changed=not plan.empty, added=plan.added, removed=plan.removed, restarted=restarted)


if __name__ == "__main__":
    main()
