"""Playbooks of the molecule scenario that is tested, run as an operator would, on one of its hosts."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from testinfra.host import Host

SCENARIO = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])


def start(host: Host, playbook: str, *options: str, **extra: Any) -> subprocess.Popen[str]:
    """Start a playbook of the scenario on this host alone, in a process group of its own."""
    command = ["ansible-playbook", f"--inventory={SANDBOX / 'inventory'}", "--limit", host.backend.get_hostname()]
    return subprocess.Popen(
        [*command, *options, "--extra-vars", json.dumps(extra), str(SCENARIO / playbook)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(run: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for a playbook that was started."""
    output, _ = run.communicate()
    return subprocess.CompletedProcess(run.args, run.returncode, output, "")


def play(host: Host, playbook: str, *options: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the scenario on this host alone."""
    return finish(start(host, playbook, *options, **extra))


def succeed(run: subprocess.CompletedProcess[str]) -> int:
    """Require that a run succeeded and return how much it changed."""
    assert run.returncode == 0, run.stdout + run.stderr
    return sum(int(count) for count in re.findall(r"changed=(\d+)", run.stdout))
