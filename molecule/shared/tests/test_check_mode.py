"""What holds for every scenario: on a converged host, a run in check mode finds nothing to do."""

import os
import re
import subprocess
from pathlib import Path


def test_check_mode_reports_nothing_on_a_converged_host(host):
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    playbook = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "converge.yml"
    command = ["ansible-playbook", "--check", "--diff", "--limit", host.backend.get_hostname()]
    run = subprocess.run(
        [*command, f"--inventory={inventory}", str(playbook)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.findall(r"changed=(\d+)", run.stdout) == ["0"], run.stdout
