"""A throw-away project: the example environment, pointed at a sandbox host."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "inventories" / "example"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
RECAP = re.compile(r"^(?P<host>\S+)\s+: (?P<counts>ok=.*)$", re.MULTILINE)
FAILED = re.compile(r"^fatal: \[.*FAILED! =>\s*\n(?P<result>(?: {4}.*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a command did: its exit code and everything that it printed."""

    code: int
    output: str

    def recap(self) -> dict[str, dict[str, int]]:
        """Return Ansible's closing counts (`ok`, `changed`, `failed`, ...) of each host."""
        return {
            match["host"]: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", match["counts"])}
            for match in RECAP.finditer(self.output)
        }

    def changed_tasks(self) -> list[str]:
        """Return the names of the tasks that changed something."""
        task, names = "", []
        for line in self.output.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.split("[", 1)[1].rsplit("]", 1)[0]
            elif line.startswith("changed: "):
                names.append(task)
        return names

    def failures(self) -> list[str]:
        """Return the messages of the tasks that failed, as plain Ansible prints them."""
        return [str(yaml.safe_load(match["result"])["msg"]) for match in FAILED.finditer(self.output)]


class Project:
    """A project folder with one environment, `test`, made from the example."""

    def __init__(self, root: Path, hosts: dict[str, object]) -> None:
        self.root = root
        self.inventory = root / "inventories" / "test"
        variables = self.inventory / "group_vars" / "all"
        variables.mkdir(parents=True)
        (root / "examples").symlink_to(REPOSITORY / "examples")
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
        self.stack_file = variables / "stack.yml"
        self.stack_file.write_text((EXAMPLE / "group_vars" / "all" / "stack.yml").read_text())

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ROOST_VAULT_PASSWORD_FILE": str(self.root / ".vault-password"),
            "ANSIBLE_FORCE_COLOR": "0",
        }

    def edit_stack(self, app: str = "", **changes: object) -> None:
        """Set keys of an application of the stack, of the first one if none is named."""
        document = yaml.safe_load(self.stack_file.read_text())
        next(entry for entry in document["stack"]["apps"] if app in ("", entry["name"])).update(changes)
        self.stack_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the project, as the leader of a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, timeout: int = 900) -> Run:
        process = self.start(*command)
        try:
            output, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return Run(process.returncode, ANSI.sub("", output))

    def playbook_command(self, name: str, *options: str) -> list[str]:
        return ["ansible-playbook", str(REPOSITORY / name), "-i", str(self.inventory), *options]

    def playbook(self, name: str, *options: str) -> Run:
        """Run a playbook of the repository on the environment."""
        return self.run(*self.playbook_command(name, *options))
