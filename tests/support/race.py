"""Two operators who deploy at the same moment, one with `roost deploy`, the other one with plain Ansible."""

import json
import re
import shutil
from dataclasses import dataclass

from tests.support.project import ANSI, Project, Run

LOCKED = 75
FAILED = 2
# While a run is at work, and in the moment in which it takes the turn.
HELD = re.compile(r"atlas: (a deploy by \S+ is running since|another deploy is running \(\S+, process)")


@dataclass(frozen=True)
class Race:
    """How the two runs ended."""

    roost: Run
    ansible: Run

    @property
    def problem(self) -> str:
        """What was not as it should be: one wins, and the other one learns who deploys. Empty if all was."""
        if (self.roost.code, self.ansible.code) not in {(0, FAILED), (LOCKED, 0)}:
            return f"exit codes {self.roost.code} and {self.ansible.code}"
        loser = self.roost if self.roost.code else self.ansible
        return "" if HELD.search(loser.output) else f"the loser was not told why:\n{loser.output[-2000:]}"


def race(project: Project) -> Race:
    """Let both deploy atlas; each has an environment of the same hosts, so that only the hosts can keep them apart."""
    other = project.inventory.with_name("other")
    if not other.exists():
        shutil.copytree(project.inventory, other)
    playbook = project.playbook_command("playbooks/deploy.yml", "-e", json.dumps({"app_deploy": ["atlas"]}))
    commands = (["roost", "deploy", "-e", other.name, "--app", "atlas"], playbook)
    processes = [project.start(*command) for command in commands]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    return Race(*(Run(process.returncode, ANSI.sub("", out)) for process, out in zip(processes, outputs, strict=True)))
