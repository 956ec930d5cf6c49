"""What holds for every scenario: on its converged hosts, a run in check mode finds nothing to do."""

import os
import re
import subprocess
from pathlib import Path


def test_check_mode_reports_nothing_on_converged_hosts():
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    playbook = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "converge.yml"
    run = subprocess.run(
        ["ansible-playbook", "--check", "--diff", f"--inventory={inventory}", str(playbook)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    changes = re.findall(r"changed=(\d+)", run.stdout)
    assert len(changes) == 2, run.stdout
    assert set(changes) == {"0"}, run.stdout
