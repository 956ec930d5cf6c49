"""Workers run the live release, are restarted only when they must be, and lose no task."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])
PROGRAMS = {"jobs-worker-default", "jobs-worker-mail", "jobs-beat"}
WORST_EXPOSURE = 3.0
TASKS = 20


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


def in_release(host: Host, script: str) -> str:
    """Run a script of the application as its user, in its environment."""
    environments = ["/etc/roost/apps/jobs.env", "/srv/jobs/current/release.env"]
    loaded = " ".join(f"/usr/local/lib/roost/with-environment {file}" for file in environments)
    return str(host.check_output(f"cd /srv/jobs/current/src && runuser -u jobs -- {loaded} python {script}"))


def ask(host: Host, task: str, queue: str = "celery") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(in_release(host, f"ask.py {task} {queue}"))
    return answer


def processes(host: Host) -> dict[str, str]:
    """The process of each program that runs its application."""
    found = host.run("cd /srv/jobs/celery && grep --with-filename . *.pid").stdout
    pids = dict(re.findall(r"(\S+)\.pid:(\d+)", found))
    return {name: pid for name, pid in pids.items() if host.run(f"kill -0 {pid}").rc == 0}


def note(host: Host, command: str) -> str:
    return str(host.check_output(f"redis-cli -n 1 {command}"))


def wait_until(done: Callable[[], bool], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A new version of the source."""
    folder = Path(shutil.copytree(SCENARIO / "files" / "jobs", tmp_path / "jobs"))
    (folder / "version.txt").write_text(str(time.time_ns()))
    return folder


def test_tasks_of_every_pool_return_their_result(host: Host) -> None:
    assert set(processes(host)) == PROGRAMS
    for queue in ("celery", "mail"):
        assert ask(host, "describe", queue)["greeting"] == "hello"


def test_workers_have_the_settings_that_lose_no_task(host: Host) -> None:
    assert ask(host, "settings") == {"acks_late": True, "prefetch": 1}


def test_scheduler_ticks(host: Host) -> None:
    before = int(note(host, "get ticks") or 0)
    wait_until(lambda: int(note(host, "get ticks") or 0) > before, "beat sent nothing")


def test_programs_do_not_run_as_root_and_are_sandboxed(host: Host) -> None:
    for process in processes(host).values():
        assert host.check_output(f"stat --format=%U /proc/{process}") == "jobs"
    report = host.check_output("systemd-analyze security --no-pager supervisor.service | tail -n 1")
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure is not None, report
    assert float(exposure[1]) <= WORST_EXPOSURE


def test_a_deploy_in_the_middle_of_the_work_loses_no_task(host: Host, source: Path) -> None:
    note(host, "del naps")
    before = processes(host)
    in_release(host, f"submit.py {TASKS} 0.5")
    wait_until(lambda: int(note(host, "llen naps")) > 1, "no task was done")
    succeed(play(host, "deploy.yml", jobs_source=str(source)))
    wait_until(lambda: int(note(host, "llen naps")) >= TASKS, "tasks were lost")
    time.sleep(1)
    assert sorted(int(number) for number in note(host, "lrange naps 0 -1").split()) == list(range(TASKS))
    assert set(before.values()).isdisjoint(processes(host).values())
    live = Path(host.check_output("readlink /srv/jobs/current")).name
    assert {ask(host, "describe", queue)["release"] for queue in ("celery", "mail")} == {live}


def test_a_changed_environment_reaches_the_workers(host: Host) -> None:
    succeed(play(host, "deploy.yml", jobs_greeting="hello again"))
    assert ask(host, "describe")["greeting"] == "hello again"
    succeed(play(host, "deploy.yml"))
    assert ask(host, "describe")["greeting"] == "hello"


def test_only_a_changed_pool_is_restarted(host: Host) -> None:
    before = processes(host)
    pools = [
        {"name": "default", "concurrency": 2, "time_limit": 20, "soft_time_limit": 15},
        {"name": "mail", "queues": ["mail"], "concurrency": 2, "time_limit": 20, "soft_time_limit": 15},
    ]
    assert succeed(play(host, "converge.yml", jobs_pools=pools)) > 0
    after = processes(host)
    assert {name for name in PROGRAMS if before[name] != after[name]} == {"jobs-worker-mail"}
    assert succeed(play(host, "converge.yml", jobs_pools=pools)) == 0


def test_an_undeclared_pool_is_stopped(host: Host) -> None:
    pools = [{"name": "default", "concurrency": 2, "time_limit": 20, "soft_time_limit": 15}]
    succeed(play(host, "converge.yml", jobs_pools=pools))
    assert set(processes(host)) == {"jobs-worker-default", "jobs-beat"}
    succeed(play(host, "converge.yml"))
    assert set(processes(host)) == PROGRAMS


def test_a_stopped_program_is_started_by_the_next_run(host: Host) -> None:
    host.run("supervisorctl stop jobs-beat")
    assert succeed(play(host, "converge.yml")) == 1
    assert set(processes(host)) == PROGRAMS


def test_a_program_that_cannot_run_fails_the_run_with_its_log(host: Host) -> None:
    run = play(host, "converge.yml", jobs_application="a_module_that_is_missing")
    assert run.returncode != 0
    assert "a_module_that_is_missing" in run.stdout
    succeed(play(host, "converge.yml"))
    assert set(processes(host)) == PROGRAMS


def test_a_killed_worker_comes_back(host: Host) -> None:
    killed = processes(host)["jobs-worker-default"]
    host.check_output(f"kill -9 {killed}")
    wait_until(lambda: processes(host).get("jobs-worker-default", killed) != killed, "the worker did not come back")
    assert ask(host, "describe")["greeting"] == "hello"


def test_programs_come_up_after_a_reboot(host: Host) -> None:
    reboot(host)
    wait_until(lambda: set(processes(host)) == PROGRAMS, "the programs did not come back")
    assert succeed(play(host, "converge.yml")) == 0


def reboot(host: Host) -> None:
    """Reboot the host and wait until it has started."""
    read_boot = "cat /proc/sys/kernel/random/boot_id"
    boot = host.check_output(read_boot)
    host.check_output("systemd-run --quiet --on-active=1 systemctl reboot")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        time.sleep(1)
        try:
            if host.check_output(read_boot) != boot:
                host.check_output("systemctl is-system-running --wait")
                return
        except RuntimeError:  # no connection yet
            continue
    pytest.fail("the host did not come back")
