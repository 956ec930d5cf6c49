"""What the tests of this scenario have in common: the administrator's SQL, and the playbooks of the scenario."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])


def administer(host: Host, sql: str, database: str = "postgres") -> str:
    """What the administrator's SQL prints; each line is a statement of its own if it ends with a semicolon."""
    feed = f"printf %s {shlex.quote(sql)} | runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database}"
    return str(host.check_output(f"cd / && {feed}"))


def play(host: Host, playbook: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the scenario on this host alone."""
    command = ["ansible-playbook", f"--inventory={SANDBOX / 'inventory'}", "--limit", host.backend.get_hostname()]
    return subprocess.run(
        [*command, "--extra-vars", json.dumps(extra), str(SCENARIO / playbook)],
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(run: subprocess.CompletedProcess[str]) -> int:
    """Require that a run succeeded and return how much it changed."""
    assert run.returncode == 0, run.stdout + run.stderr
    return sum(int(count) for count in re.findall(r"changed=(\d+)", run.stdout))
