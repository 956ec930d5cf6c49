"""One deploy at a time: of two that race one wins, and one that was killed keeps nobody waiting."""

import json
import os
import re
import signal
import time
from pathlib import Path

from deploying import get, new_version
from testinfra.host import Host

from tests.support.scenario import finish, play, start, succeed

SLOWLY = ['cp banner.txt "$STATIC_ROOT/banner.txt"', "sleep 4"]
FOR_EVER = ["sleep 1234"]


def test_of_two_deploys_one_wins_and_the_other_learns_who_deploys(host: Host, source: Path) -> None:
    extra = {"site_source": str(new_version(source)), "site_build_commands": SLOWLY, "app_deploy": ["site"]}
    runs = [finish(run) for run in [start(host, "deploy.yml", **extra) for _ in range(2)]]
    (winner,) = [run for run in runs if run.returncode == 0]
    (loser,) = [run for run in runs if run.returncode != 0]
    succeed(winner)
    assert re.search(r"site: a deploy by \S+@\S+ is running since \S+Z", loser.stdout), loser.stdout
    assert "rc: 75" in loser.stdout
    assert get(host)["banner"] == (source / "banner.txt").read_text()
    assert not host.file("/srv/site/turn.json").exists


def test_a_killed_deploy_is_taken_over_at_once_and_recorded(host: Host, source: Path) -> None:
    extra = {"site_source": str(new_version(source)), "app_deploy": ["site"]}
    killed = start(host, "deploy.yml", **extra, site_build_commands=FOR_EVER)
    wait_for(host, "pgrep --full --exact 'sleep 1234'")
    os.killpg(killed.pid, signal.SIGKILL)
    finish(killed)
    half = json.loads(host.file("/srv/site/turn.json").content_string)["release"]
    assert host.file(f"/srv/site/releases/{half}/src").exists
    run = play(host, "deploy.yml", **extra)
    succeed(run)
    assert "was abandoned" in run.stdout
    assert host.run("pgrep --full --exact 'sleep 1234'").rc != 0
    entries = [json.loads(line) for line in host.file("/srv/site/history.jsonl").content_string.splitlines()]
    assert [(entry["outcome"], entry["release"]) for entry in entries[-2:]] == [
        ("abandoned", half),
        ("live", get(host)["release"]),
    ]
    assert entries[-2]["reason"] == "the run ended without a word in its phase build"
    assert set(entries[-2]["phases"]) <= {"source", "dependencies"}


def wait_for(host: Host, command: str) -> None:
    """Wait until a command succeeds on the host."""
    deadline = time.monotonic() + 60
    while host.run(command).rc != 0:
        assert time.monotonic() < deadline, command
        time.sleep(0.3)
