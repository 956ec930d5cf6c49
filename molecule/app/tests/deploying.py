"""Deploys on the hosts of this scenario, and what they serve meanwhile."""

import json
import os
import re
import shlex
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
VARIABLES: dict[str, Any] = yaml.safe_load((SCENARIO / "vars" / "main.yml").read_text())
SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])
LOAD_SECONDS = 180


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


def get(host: Host, path: str = "/", socket: str = "/srv/site/live.sock") -> dict[str, Any]:
    """Ask the application as its web server would."""
    command = f"runuser -u www-data -- curl -sS --max-time 10 --unix-socket {socket} http://site.example.com{path}"
    result = host.run(command)
    assert result.rc == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def live_slot(host: Host) -> str:
    return Path(host.check_output("readlink /srv/site/live.sock")).stem


def other(slot: str) -> str:
    return {"blue": "green", "green": "blue"}[slot]


def has_ended(host: Host, slot: str) -> bool:
    """Tell whether a slot has ended, once what it still had to answer is answered."""
    script = f"for _ in $(seq 300); do systemctl -q is-active site@{slot}.socket || exit 0; sleep 0.1; done; exit 1"
    return host.run(script).rc == 0 and host.run(f"systemctl is-failed site@{slot}.service").rc != 0


def new_version(source: Path) -> Path:
    (source / "banner.txt").write_text(f"version of {time.time_ns()}")
    return source


class Load:
    """Requests for one path, one after the other while something happens; it counts those that fail."""

    def __init__(self, host: Host, path: str = "/") -> None:
        loop = (
            f"end=$(($(date +%s) + {LOAD_SECONDS})); while [ $(date +%s) -lt $end ] && ! [ -e /run/load-ends ]; do "
            "if curl -sSf --max-time 20 -o /dev/null --unix-socket /srv/site/live.sock "
            f"http://site.example.com{path}; then echo good; else echo bad; fi; done"
        )
        self._host = host
        self._loop = f"runuser -u www-data -- sh -c {shlex.quote(loop)}"
        self._thread = threading.Thread(target=self._run)
        self.good = self.bad = 0
        self.errors = ""

    def _run(self) -> None:
        result = self._host.run(self._loop)
        self.good = result.stdout.count("good")
        self.bad = result.stdout.count("bad")
        self.errors = result.stderr

    def __enter__(self) -> "Load":
        self._host.check_output("rm -f /run/load-ends")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._host.check_output("touch /run/load-ends")
        self._thread.join()
