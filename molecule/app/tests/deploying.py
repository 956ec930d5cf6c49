"""Deploys on the hosts of this scenario, and what they serve meanwhile."""

import json
import shlex
import threading
import time
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

from tests.support.scenario import SCENARIO

VARIABLES: dict[str, Any] = yaml.safe_load((SCENARIO / "vars" / "main.yml").read_text())
LOAD_SECONDS = 180


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
    """Requests for one path, one soon after the other while something happens; it counts those that fail."""

    def __init__(self, host: Host, path: str = "/") -> None:
        loop = (
            f"end=$(($(date +%s) + {LOAD_SECONDS})); while [ $(date +%s) -lt $end ] && ! [ -e /run/load-ends ]; do "
            "if curl -sSf --max-time 20 -o /dev/null --unix-socket /srv/site/live.sock "
            f"http://site.example.com{path}; then echo good; else echo bad; fi; sleep 0.05; done"
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
