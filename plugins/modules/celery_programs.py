#!/usr/bin/python
"""Let supervisor run the present Celery programs, with the live release and the present environment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import SLOTS
from ansible.module_utils.roost_app.releases import target_name
from ansible.module_utils.roost_celery.check import Application, look_at
from ansible.module_utils.roost_celery.errors import ProgramsError
from ansible.module_utils.roost_celery.slots import Declared, Seen, Step, plan_step
from ansible.module_utils.roost_celery.steps import carry_out
from ansible.module_utils.roost_celery.supervisor import FAILING, STARTED, STOPPED, Supervisor, connect

DOCUMENTATION = r"""
module: celery_programs
short_description: Let supervisor run the present Celery programs, with the live release and the present environment
description:
  - Applies changes of supervisor's configuration, and restarts the programs that run an older release or environment
    than the present one, all at once. Other programs are left alone, as long as they are configured.
  - A program with slots is two of supervisor, of which a link in C(/srv/<app>/workers) names the one that lives. The
    idle one is started; once it has loaded its application, the other one is asked to finish what it has begun, and
    nobody waits for that. A later run that needs this slot again does; supervisor bounds that by C(stopwaitsecs).
  - A program without slots is stopped, warmly, before it is started.
  - Fails, with the last lines of its log, if a program has not loaded its application in the end. The slot that worked
    before then goes on.
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
      name: {description: "Its name in supervisor, to which that of a slot is added.", type: str, required: true}
      slots: {description: "Whether it has two slots, blue and green.", type: bool, default: false}
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
    programs: [{app: atlas, name: atlas-worker-default, slots: true}, {app: atlas, name: atlas-beat}]
"""

RETURN = r"""
added: {description: Programs that are new., returned: always, type: list, elements: str}
removed: {description: Programs that are no longer configured., returned: always, type: list, elements: str}
restarted:
  description: Programs that were restarted or started, or whose old slot was still to be stopped.
  returned: always
  type: list
  elements: str
"""

PROGRAM = {
    "app": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "slots": {"type": "bool", "default": False},
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

ROOT = Path("/")


@dataclass(frozen=True)
class Plan:
    """A step for each declared program, and what becomes of the programs that are no longer configured."""

    steps: list[Step]
    added: list[str]
    dismissed: list[str]
    forgotten: list[str]

    @property
    def removed(self) -> list[str]:
        """What is stopped, by the names that were declared."""
        return sorted({_without_slot(program) for program in self.dismissed})

    @property
    def restarted(self) -> list[str]:
        return sorted({step.declared.name for step in self.steps if not step.is_empty} - set(self.added))

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.restarted)


def make_plan(supervisor: Supervisor, programs: Sequence[Declared]) -> Plan:
    """Compare what runs with what is configured."""
    difference = supervisor.difference()
    processes = supervisor.processes()
    seen = Seen(processes, difference.unread)
    steps = [plan_step(declared, seen) for declared in programs]
    leaving = {program for step in steps for program in step.leaving}
    return Plan(
        steps,
        added=[step.declared.name for step in steps if is_new(step, difference.added, difference.removed)],
        dismissed=[
            program
            for program in difference.removed
            if program not in leaving and processes[program].state in {*STARTED, FAILING}
        ],
        forgotten=[program for program in difference.removed if processes[program].state in STOPPED],
    )


def is_new(step: Step, added: Sequence[str], removed: Sequence[str]) -> bool:
    """Tell whether a program runs for the first time, be it in slots or not."""
    return set(step.declared.programs) <= set(added) and step.declared.name not in removed


def apply(plan: Plan, supervisor: Supervisor, steps: ThreadPoolExecutor) -> None:
    """Carry out all steps at once, each over a connection of its own; raise the first ProgramsError of any."""
    for program in plan.dismissed:
        supervisor.stop(program)
    for program in plan.forgotten:
        supervisor.forget(program)
    forget_slots({step.declared.name for step in plan.steps})
    running = [steps.submit(carry_out, step, connect()) for step in plan.steps]
    for step in running:
        step.result()


def forget_slots(declared: Collection[str]) -> None:
    """Remove the links of pools that are no longer declared."""
    for link in ROOT.glob("srv/*/workers/*"):
        if link.name not in declared and target_name(link) in SLOTS:
            link.unlink()


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
    programs = [Declared(**program) for program in module.params["programs"]]
    try:
        supervisor = connect()
        plan = make_plan(supervisor, programs)
        if not module.check_mode:
            started = {step.declared.app for step in plan.steps if step.starts}
            # Looking takes as long as loading, so both are done at once.
            with ThreadPoolExecutor(len(programs) + 1) as threads:
                looking = threads.submit(shortcomings, module.params["applications"], started)
                apply(plan, supervisor, threads)
                for shortcoming in looking.result():
                    module.warn(shortcoming)
    except ProgramsError as problem:
        if module.check_mode:
            module.exit_json(changed=bool(programs), added=[], removed=[], restarted=[], msg=str(problem))
        module.fail_json(msg=str(problem))
    module.exit_json(changed=not plan.is_empty, added=plan.added, removed=plan.removed, restarted=plan.restarted)


def _without_slot(program: str) -> str:
    name, _, slot = program.rpartition("-")
    return name if slot in SLOTS else program


if __name__ == "__main__":
    main()
