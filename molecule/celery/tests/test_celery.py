"""Workers run the live release, are replaced only when they must be, and lose no task."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.scenario import SCENARIO, play, succeed

PROGRAMS = {"jobs-worker-default", "jobs-worker-mail", "jobs-beat"}
# Longer than any play; it is woken when it has been seen at work.
NAP_SECONDS = 35
WORST_EXPOSURE = 3.0
POOLS = [
    {"name": "default", "queues": ["celery"], "concurrency": 2, "time_limit": 40, "soft_time_limit": 39},
    {"name": "mail", "queues": ["mail"], "concurrency": 1, "time_limit": 5, "soft_time_limit": 4},
]
# Makes one program of each pool, as it was before there were slots.
AS_BEFORE_SLOTS = r"""
sed --in-place --regexp-extended \
  '/-green\]$/,/^$/d; s/celery-slot (\S+) (\S+) blue/celery-program \1 \2/; s/-blue\>//g' \
  /etc/supervisor/conf.d/jobs.conf
supervisorctl update
rm /srv/jobs/workers/*
"""


def in_release(host: Host, script: str) -> str:
    """Run a script of the application as its user, in its environment."""
    environments = ["/etc/roost/apps/jobs.env", "/srv/jobs/current/release.env"]
    loaded = " ".join(f"/usr/local/lib/roost/with-environment {file}" for file in environments)
    return str(host.check_output(f"cd /srv/jobs/current/src && runuser -u jobs -- {loaded} python {script}"))


def ask(host: Host, task: str, queue: str = "celery") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(in_release(host, f"ask.py {task} {queue}"))
    return answer


def submit(host: Host, *seconds: float) -> None:
    """Queue naps of these lengths."""
    note(host, "del naps started wake")
    in_release(host, f"submit.py {' '.join(map(str, seconds))}")


def begin_a_nap(host: Host) -> None:
    """Let a worker of the default pool begin a nap that ends when it is woken."""
    submit(host, NAP_SECONDS)
    wait_until(lambda: numbers(host, "started") == [0], "no task was begun", seconds=5)


def wake(host: Host) -> None:
    note(host, "rpush wake now")


def running(host: Host, app: str = "jobs") -> dict[str, str]:
    """The process of each program of supervisor that runs its application, in whichever slot."""
    found = host.run(f"cd /srv/{app}/celery && grep --with-filename . *.pid").stdout
    pids = dict(re.findall(r"(\S+)\.pid:(\d+)", found))
    return {name: pid for name, pid in pids.items() if host.run(f"kill -0 {pid}").rc == 0}


def live_slots(host: Host, app: str = "jobs") -> dict[str, str]:
    """The live slot of each pool."""
    links = host.check_output(f"find /srv/{app}/workers -type l -printf '%f %l\\n'")
    return dict(line.split() for line in links.splitlines())


def processes(host: Host, app: str = "jobs") -> dict[str, str]:
    """The process of beat and, for each pool, that of its live slot."""
    slots = live_slots(host, app)
    at_work = running(host, app)
    programs = {pool: f"{pool}-{slot}" for pool, slot in slots.items()} | {f"{app}-beat": f"{app}-beat"}
    return {name: at_work[program] for name, program in programs.items() if program in at_work}


def states(host: Host) -> dict[str, str]:
    """What supervisor says of each program."""
    lines = [line.split() for line in host.run("supervisorctl status").stdout.splitlines()]
    return {line[0]: line[1] for line in lines}


def is_drained(host: Host) -> bool:
    """Tell whether beat and the live slot of each pool work, and nothing else."""
    return set(running(host)) == {"jobs-beat", *(f"{pool}-{slot}" for pool, slot in live_slots(host).items())}


def greet(host: Host, greeting: str) -> None:
    """Let the workers run with another environment, as the end of a deploy does."""
    host.check_output(f"sed --in-place 's/^GREETING=.*/GREETING=\"{greeting}\"/' /etc/roost/apps/jobs.env")
    succeed(play(host, "workers.yml"))


def note(host: Host, command: str) -> str:
    return str(host.check_output(f"redis-cli -n 1 {command}"))


def numbers(host: Host, key: str) -> list[int]:
    return sorted(int(number) for number in note(host, f"lrange {key} 0 -1").split())


@contextmanager
def schedulers_counted(host: Host) -> Iterator[list[int]]:
    """Count, again and again, the schedulers that run; the numbers seen are there in the end."""
    seen: list[int] = []
    count = "while :; do pgrep --uid jobs --count --full 'bin/celery .* beat' || true; sleep 0.05; done"
    host.check_output(f'systemd-run --quiet --collect --unit=count -p StandardOutput=file:/root/seen sh -c "{count}"')
    try:
        yield seen
    finally:
        host.check_output("systemctl stop count")
        seen += [int(number) for number in host.check_output("sort --unique /root/seen").split()]


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


def test_every_pool_works_on_its_own_queues(host: Host) -> None:
    assert set(processes(host)) == PROGRAMS
    workers = {queue: ask(host, "describe", queue)["worker"] for queue in ("celery", "mail")}
    slots = live_slots(host)
    assert workers == {
        "celery": f"jobs-default-{slots['jobs-worker-default']}",
        "mail": f"jobs-mail-{slots['jobs-worker-mail']}",
    }


def test_every_pool_has_its_own_concurrency(host: Host) -> None:
    for pool in POOLS:
        main = processes(host)[f"jobs-worker-{pool['name']}"]
        assert int(host.check_output(f"pgrep --parent {main} --count")) == pool["concurrency"]


def test_workers_have_the_settings_that_lose_no_task(host: Host) -> None:
    for queue, limit in (("celery", 40), ("mail", 5)):
        assert ask(host, "settings", queue) == {
            "task_acks_late": True,
            "task_reject_on_worker_lost": True,
            "worker_prefetch_multiplier": 1,
            "task_time_limit": limit,
            "acks_late": True,
        }


def test_scheduler_ticks(host: Host) -> None:
    before = int(note(host, "get ticks") or 0)
    wait_until(lambda: int(note(host, "get ticks") or 0) > before, "beat sent nothing")


def test_programs_do_not_run_as_root_and_are_sandboxed(host: Host) -> None:
    for process in running(host).values():
        assert host.check_output(f"stat --format=%U /proc/{process}") == "jobs"
    report = host.check_output("systemd-analyze security --no-pager supervisor.service | tail -n 1")
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure is not None, report
    assert float(exposure[1]) <= WORST_EXPOSURE


def test_a_deploy_in_the_middle_of_the_work_loses_no_task(host: Host, source: Path) -> None:
    before, idle = processes(host), processes(host, "idle")
    lengths = [0.3, 2.5] * 8
    submit(host, *lengths)
    wait_until(lambda: len(numbers(host, "naps")) > 1, "no task was done")
    with schedulers_counted(host) as schedulers:
        succeed(play(host, "deploy.yml", jobs_source=str(source)))
    assert max(schedulers) == 1
    wait_until(lambda: len(numbers(host, "naps")) >= len(lengths), "tasks were lost")
    time.sleep(1)
    assert numbers(host, "naps") == numbers(host, "started") == list(range(len(lengths)))
    assert set(before.values()).isdisjoint(processes(host).values())
    assert processes(host, "idle") == idle
    live = Path(host.check_output("readlink /srv/jobs/current")).name
    assert {ask(host, "describe", queue)["release"] for queue in ("celery", "mail")} == {live}
    wait_until(lambda: is_drained(host), "the old slots did not end")


def test_a_task_goes_on_in_the_old_slot_while_the_new_one_takes_others(host: Host) -> None:
    before, slots = processes(host), live_slots(host)
    begin_a_nap(host)
    greet(host, "hi")
    old = f"jobs-worker-default-{slots['jobs-worker-default']}"
    assert states(host)[old] == "STOPPING"
    assert ask(host, "describe")["greeting"] == "hi"
    assert numbers(host, "naps") == []
    assert running(host)[old] == before["jobs-worker-default"]
    # What still ends is no change.
    assert succeed(play(host, "workers.yml")) == 0
    wake(host)
    wait_until(lambda: numbers(host, "naps") == [0], "the task was lost")
    wait_until(lambda: is_drained(host), "the old slot did not end")
    assert numbers(host, "started") == [0]
    assert set(slots.items()).isdisjoint(live_slots(host).items())


def test_a_deploy_waits_for_a_slot_that_still_works_for_the_deploy_before(host: Host) -> None:
    slots = live_slots(host)
    begin_a_nap(host)
    greet(host, "good evening")
    assert states(host)[f"jobs-worker-default-{slots['jobs-worker-default']}"] == "STOPPING"
    host.check_output("systemd-run --quiet --on-active=4 redis-cli -n 1 rpush wake now")
    greet(host, "hello")
    assert numbers(host, "naps") == numbers(host, "started") == [0]
    assert live_slots(host) == slots
    assert ask(host, "describe")["greeting"] == "hello"
    wait_until(lambda: is_drained(host), "the old slot did not end")


def test_a_pool_of_before_there_were_slots_finishes_its_tasks(host: Host) -> None:
    host.check_output(AS_BEFORE_SLOTS)
    wait_until(lambda: set(running(host)) == PROGRAMS, "the programs of before did not start")
    begin_a_nap(host)
    succeed(play(host, "converge.yml"))
    assert states(host)["jobs-worker-default"] == "STOPPING"
    assert ask(host, "describe")["worker"] == "jobs-default-blue"
    assert numbers(host, "naps") == []
    wake(host)
    wait_until(lambda: is_drained(host), "the programs of before did not end")
    assert numbers(host, "naps") == numbers(host, "started") == [0]
    assert succeed(play(host, "converge.yml")) == 0
    assert "jobs-worker-default" not in states(host)


def test_the_schedule_is_kept_outside_the_releases(host: Host) -> None:
    assert set(host.check_output("stat --format=%U /srv/jobs/celery/schedule*").split()) == {"jobs"}


def test_a_release_that_workers_can_not_load_does_not_go_live(host: Host, source: Path) -> None:
    before, live = processes(host), host.check_output("readlink /srv/jobs/current")
    (source / "jobs.py").write_text("import a_module_that_is_missing\n")
    run = play(host, "deploy.yml", jobs_source=str(source))
    assert run.returncode != 0
    assert "No module named 'a_module_that_is_missing'" in run.stdout
    assert (processes(host), host.check_output("readlink /srv/jobs/current")) == (before, live)


def test_tasks_that_the_settings_do_not_reach_are_told(host: Host, source: Path) -> None:
    # Naming a task makes it at once, before the worker knows its settings.
    extra = "\nnap.name\n\n\n@app.task(queue='exports', time_limit=60)\ndef export():\n    pass\n"
    (source / "jobs.py").write_text((source / "jobs.py").read_text() + extra)
    run = play(host, "deploy.yml", jobs_source=str(source))
    told = " ".join((run.stdout + run.stderr).split())
    assert succeed(run) > 0
    assert "[WARNING]: jobs: a crash of a worker loses the tasks that it works on, of the kinds jobs.nap." in told
    assert "[WARNING]: jobs: no pool works on the queue exports, to which jobs.export goes." in told
    safe = play(host, "deploy.yml")
    assert succeed(safe) > 0
    assert "[WARNING]: jobs" not in safe.stdout + safe.stderr


def test_a_changed_environment_reaches_the_workers(host: Host) -> None:
    succeed(play(host, "deploy.yml", jobs_greeting="hello again"))
    assert ask(host, "describe")["greeting"] == "hello again"
    succeed(play(host, "deploy.yml"))
    assert ask(host, "describe")["greeting"] == "hello"


def test_only_a_changed_pool_is_restarted(host: Host) -> None:
    before = processes(host)
    pools = [POOLS[0], POOLS[1] | {"concurrency": 2}]
    assert succeed(play(host, "converge.yml", jobs_pools=pools)) > 0
    after = processes(host)
    assert {name for name in PROGRAMS if before[name] != after[name]} == {"jobs-worker-mail"}
    assert succeed(play(host, "converge.yml", jobs_pools=pools)) == 0


def test_an_undeclared_pool_is_stopped(host: Host) -> None:
    succeed(play(host, "converge.yml", jobs_pools=POOLS[:1]))
    assert set(processes(host)) == {"jobs-worker-default", "jobs-beat"}
    wait_until(lambda: is_drained(host), "a worker of the pool goes on")
    assert succeed(play(host, "converge.yml", jobs_pools=POOLS[:1])) == 0
    assert not [name for name in states(host) if "mail" in name]
    succeed(play(host, "converge.yml"))
    assert set(processes(host)) == PROGRAMS


def test_a_stopped_program_is_started_by_the_next_run(host: Host) -> None:
    host.run("supervisorctl stop jobs-beat")
    assert succeed(play(host, "converge.yml")) == 1
    assert set(processes(host)) == PROGRAMS


def test_programs_that_cannot_run_fail_the_run_with_a_log_and_the_workers_go_on(host: Host) -> None:
    pools = {name: process for name, process in processes(host).items() if name != "jobs-beat"}
    run = play(host, "converge.yml", jobs_application="a_module_that_is_missing")
    assert run.returncode != 0
    assert "a_module_that_is_missing" in run.stdout
    assert processes(host) == pools
    succeed(play(host, "converge.yml"))
    assert processes(host).items() >= pools.items()
    assert set(processes(host)) == PROGRAMS


def test_a_killed_child_loses_no_task(host: Host) -> None:
    submit(host, 2, 2, 0.2, 0.2)
    wait_until(lambda: len(numbers(host, "started")) >= 2, "no task was begun")
    host.check_output(f"pkill --signal KILL --parent {processes(host)['jobs-worker-default']}")
    wait_until(lambda: set(numbers(host, "naps")) == set(range(4)), "tasks were lost")


def test_a_killed_worker_comes_back_and_loses_no_task(host: Host) -> None:
    submit(host, 2, 2, 0.2, 0.2)
    wait_until(lambda: len(numbers(host, "started")) >= 2, "no task was begun")
    killed = processes(host)["jobs-worker-default"]
    host.check_output(f"kill -9 {killed}")
    wait_until(lambda: processes(host).get("jobs-worker-default", killed) != killed, "the worker did not come back")
    # What it had begun comes back when the visibility timeout is over.
    wait_until(lambda: set(numbers(host, "naps")) == set(range(4)), "tasks were lost", seconds=90)
    assert max(map(numbers(host, "naps").count, range(4))) <= 2


def test_flower_shows_the_workers_to_nginx_and_to_those_who_know_the_password(host: Host) -> None:
    ask_flower = "curl --silent --max-time 20 --unix-socket /run/flower/jobs/flower.sock"
    url = "http://localhost/flower/api/workers?refresh=1"
    assert host.check_output(f"{ask_flower} --output /dev/null --write-out '%{{http_code}}' {url}") == "401"
    workers = json.loads(host.check_output(f"{ask_flower} --user flower:sesame '{url}'"))
    # Of each pool one slot at least: Flower remembers the other one, too.
    pools = {name.split("@")[0].rpartition("-")[0] for name in workers}
    assert pools == {"jobs-default", "jobs-mail", "idle-default"}
    assert host.check_output("stat --format='%a %G' /run/flower/jobs") == "750 www-data"
    assert "sesame" not in host.check_output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")


def test_flower_goes_with_its_declaration(host: Host) -> None:
    succeed(play(host, "converge.yml", celery_flower=[]))
    assert host.run("systemctl is-active flower@jobs.service").stdout.strip() == "inactive"
    assert not host.file("/etc/systemd/system/flower@.service").exists
    assert not host.file("/etc/systemd/system/multi-user.target.wants/flower@jobs.service").exists
    assert succeed(play(host, "converge.yml")) > 0
    assert succeed(play(host, "converge.yml")) == 0


def test_programs_come_up_after_a_reboot(host: Host) -> None:
    slots = live_slots(host)
    reboot(host)
    wait_until(lambda: set(processes(host)) == PROGRAMS, "the programs did not come back")
    assert is_drained(host)
    assert live_slots(host) == slots
    wait_until(lambda: host.run("systemctl is-active flower@jobs.service").rc == 0, "Flower did not come back")
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
