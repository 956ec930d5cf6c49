"""The database server and the receiver of its log."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
RECEIVED = "/var/lib/private/roost-wal-receiver"


@dataclass(frozen=True)
class Pair:
    """Both hosts."""

    server: Host
    receiver: Host

    def sql(self, text: str) -> str:
        """What SQL of the administrator prints."""
        quoted = text.replace("'", "'\\''")
        return str(self.server.check_output(f"cd / && runuser -u postgres -- psql -XAtqc '{quoted}'")).strip()

    def state(self) -> dict[str, Any]:
        """How it stands, as `roost status` tells it."""
        state: dict[str, Any] = json.loads(self.server.check_output("cat /run/roost-wal-sender/state.json"))
        return state

    def waits(self) -> bool:
        """Whether commits wait for the receiver."""
        return self.sql("SHOW synchronous_standby_names") == "roost_receiver"

    def timeline(self) -> int:
        """The number of the server's present life: each restore begins a new one."""
        return int(self.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")[:8], 16)

    def received(self) -> list[str]:
        """The files of the log that the receiver has."""
        return str(self.receiver.check_output(f"cd {RECEIVED} && find . -type f -printf '%f\\n' | sort")).split()

    def play(self, playbook: str, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of this scenario."""
        inventory = f"--inventory={os.environ['ROOST_SANDBOX_DIR']}/inventory"
        command = ["ansible-playbook", inventory, *options, "--extra-vars", json.dumps(variables)]
        return subprocess.run([*command, str(SCENARIO / playbook)], capture_output=True, text=True, check=False)


def until(condition: Callable[[], bool], seconds: float = 60) -> float:
    """Wait for something, and return how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.2)
    return time.monotonic() - began
