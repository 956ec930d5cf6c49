"""config_tree on real hosts: roll-back, removal, a killed module, a failed handler, an unconfirmed change."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])
STATE = "/var/lib/roost/config_tree/molecule"
FIRST = {"name": "first", "port": 8081, "text": "one"}
SECOND = {"name": "second", "port": 8082, "text": "two"}
CHANGED = {"name": "first", "port": 8081, "text": "changed"}
THIRD = {"name": "third", "port": 8083, "text": "three"}
BROKEN = {"name": "broken", "port": 8084, "text": 'a "quotation" that nginx does not understand'}


def command(host: Host, **variables: Any) -> list[str]:
    """Return the command that runs the scenario's playbook on one host with other values of its variables."""
    options = [f"--inventory={SANDBOX / 'inventory'}", "--limit", host.backend.get_hostname()]
    return ["ansible-playbook", *options, "--extra-vars", json.dumps(variables), str(SCENARIO / "converge.yml")]


def play(host: Host, **variables: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(host, **variables), capture_output=True, text=True, timeout=300, check=False)


def succeed(host: Host, **variables: Any) -> str:
    done = play(host, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fail(host: Host, **variables: Any) -> str:
    done = play(host, **variables)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(autouse=True)
def _converged(host: Host) -> Iterator[None]:
    """Leave the host as the scenario made it."""
    yield
    succeed(host)


def answer(host: Host, port: int) -> str:
    return str(host.run(f"curl --silent --max-time 5 http://127.0.0.1:{port}/").stdout.strip())


def files(host: Host) -> str:
    """Everything below nginx's configuration: kinds, modes, owners, times and contents."""
    metadata = "find /etc/nginx ! -type d -printf '%p %M %u:%g %T@ %l\\n' | sort"
    contents = "find /etc/nginx -type f -exec sha256sum {} + | sort"
    return str(host.check_output(f"{metadata}; {contents}; find /etc/nginx -type d | sort"))


def pending(host: Host) -> list[str]:
    return str(host.check_output(f"ls {STATE}/pending")).split()


def test_sites_are_served_and_the_default_is_gone(host: Host) -> None:
    assert [answer(host, 8081), answer(host, 8082)] == ["one", "two"]
    assert not host.file("/etc/nginx/sites-enabled/default").exists
    assert host.file("/var/lib/roost").mode == 0o700
    assert pending(host) == []


def test_a_broken_file_is_rolled_back_whole(host: Host) -> None:
    before = files(host)
    output = fail(host, sites=[CHANGED, BROKEN, THIRD])
    assert "nginx -t failed with exit code 1; nothing was changed" in output
    assert "broken.conf:5" in output
    assert files(host) == before
    assert host.run("nginx -t").rc == 0
    assert pending(host) == []
    assert [answer(host, 8081), answer(host, 8082)] == ["one", "two"]


def test_a_site_that_is_no_longer_declared_is_removed(host: Host) -> None:
    succeed(host, sites=[FIRST])
    assert not host.file("/etc/nginx/sites-enabled/second.conf").exists
    assert answer(host, 8081) == "one"
    assert answer(host, 8082) == ""


def test_a_unit_that_stopped_is_started_again_and_enabled(host: Host) -> None:
    host.check_output("systemctl disable --now nginx")
    assert "changed=1" in succeed(host)
    assert host.service("nginx.service").is_running
    assert host.service("nginx.service").is_enabled
    assert "changed=0" in succeed(host)


def test_a_unit_that_does_not_start_is_told_with_its_log(host: Host) -> None:
    host.check_output("systemctl stop nginx; python3 -m http.server 8081 >/dev/null 2>&1 & echo $! >/run/squatter")
    output = fail(host)
    assert "systemctl start nginx.service failed" in output
    assert "Address already in use" in output
    host.check_output("kill $(cat /run/squatter)")
    assert "changed=1" in succeed(host)


@pytest.mark.parametrize("next_sites", [[CHANGED, THIRD], [FIRST, SECOND]])
def test_a_killed_run_is_repaired_by_the_next(host: Host, next_sites: list[dict[str, Any]]) -> None:
    """The command that judges the new files kills the module that waits for it."""
    before = files(host)
    fail(host, sites=[CHANGED, THIRD], validate=["sh", "-c", "kill -KILL $PPID"])
    assert files(host) != before
    assert host.file(f"{STATE}/journal/journal.json").exists
    assert pending(host) == ["reload"]
    output = succeed(host, sites=next_sites)
    assert "RUNNING HANDLER [Reload nginx]" in output
    assert pending(host) == []
    assert not host.file(f"{STATE}/journal").exists
    if next_sites == [FIRST, SECOND]:
        assert files(host) == before
    assert answer(host, 8081) == next_sites[0]["text"]
    assert answer(host, next_sites[1]["port"]) == next_sites[1]["text"]


def test_a_killed_run_is_rolled_back_even_if_the_next_is_refused(host: Host) -> None:
    before = files(host)
    fail(host, sites=[CHANGED, THIRD], validate=["sh", "-c", "kill -KILL $PPID"])
    fail(host, sites=[CHANGED, BROKEN])
    assert files(host) == before


def test_a_failed_reload_is_made_up_for(host: Host) -> None:
    fail(host, sites=[CHANGED, SECOND], reload="false")
    assert pending(host) == ["reload"]
    assert answer(host, 8081) == "one"
    assert "RUNNING HANDLER [Reload nginx]" in succeed(host, sites=[CHANGED, SECOND])
    assert pending(host) == []
    assert answer(host, 8081) == "changed"
    assert "RUNNING HANDLER" not in succeed(host, sites=[CHANGED, SECOND])


def test_an_unconfirmed_change_is_taken_back(host: Host) -> None:
    before = files(host)
    effective = "sh -c 'systemctl reload nginx; sleep 1; curl --silent http://127.0.0.1:8083/; false'"
    assert "stdout: three" in fail(host, sites=[CHANGED, THIRD], confirm_within=20, reload=effective)
    wait_until(lambda: host.file(f"{STATE}/taken-back").exists)
    wait_until(lambda: answer(host, 8081) == "one")
    assert files(host) == before
    assert answer(host, 8083) == ""
    assert "was not confirmed" in host.check_output("journalctl --unit='roost-revert-molecule-*'")


def test_a_confirmed_change_stays(host: Host) -> None:
    succeed(host, sites=[CHANGED, THIRD], confirm_within=60)
    assert answer(host, 8083) == "three"
    assert not host.file(f"{STATE}/revert").exists
    assert "roost-revert" not in host.check_output("systemctl list-units --all 'roost-revert-*.timer'")


def test_two_runs_at_once_wait_for_each_other(host: Host) -> None:
    slow = ["sh", "-c", "sleep 3; nginx -t"]
    others = [subprocess.Popen(command(host, sites=sites, validate=slow)) for sites in ([CHANGED], [THIRD])]
    assert [other.wait(120) for other in others] == [0, 0]
    enabled = host.check_output("ls /etc/nginx/sites-enabled").split()
    assert enabled in (["first.conf"], ["third.conf"])


def test_the_log_of_the_host_shows_no_content(host: Host) -> None:
    succeed(host, sites=[{**FIRST, "text": "hunter2-hunter2"}, SECOND])
    logged = host.check_output("journalctl --identifier=python3 --identifier=ansible-config_tree --no-pager")
    assert "Invoked with" in logged
    assert "hunter2" not in logged
    assert "payload=NOT_LOGGING_PARAMETER" in logged


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)
