"""ansible-playbook is killed at ten points of a cold run; running it again must end in the same converged host."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hosts import sandbox_host
from tests.support.project import Project, Run

POINTS = 10
RELEASES = ("debian12", "debian13")
AT_ONCE = 2
TASK_LINE = ("TASK [", "RUNNING HANDLER [")


@dataclass(frozen=True)
class Converged:
    """A host after an undisturbed cold run, and how many tasks that run announced."""

    fingerprint: list[str]
    tasks: int


@dataclass(frozen=True)
class Outcome:
    """What a killed run and the runs after it left."""

    killed_at: str
    repair: Run
    after: Run
    fingerprint: list[str]


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


def converge(release: str, folder: Path) -> Converged:
    with sandbox_host(f"whole-{release}", release) as host:
        run = Project(folder / f"whole-{release}", host.inventory(alias="vm1")).playbook("site.yml")
        assert run.code == 0, run.output[-4000:]
        tasks = sum(line.startswith(TASK_LINE) for line in run.output.splitlines())
        return Converged(host.fingerprint(), tasks)


@pytest.fixture(scope="module")
def converged(projects: Path) -> Iterator[dict[str, Converged]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield dict(zip(RELEASES, pool.map(lambda release: converge(release, projects), RELEASES), strict=True))


def kill_at(process: subprocess.Popen[str], task: int) -> str:
    """Kill a run and everything it started when it announces its n-th task; return that task's line."""
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        seen += line.startswith(TASK_LINE)
        if seen == task:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return line.strip()
    raise AssertionError(f"the run ended after {seen} tasks, before task {task}")


def kill_and_repair(point: int, release: str, tasks: int, folder: Path) -> Outcome:
    with sandbox_host(f"killed{point}", release) as host:
        project = Project(folder / f"killed{point}", host.inventory(alias="vm1"))
        killed_at = kill_at(project.start(*project.playbook_command("site.yml")), tasks * point // (POINTS + 1))
        repair = project.playbook("site.yml")
        after = project.playbook("site.yml")
        return Outcome(killed_at, repair, after, host.fingerprint())


@pytest.fixture(scope="module")
def outcomes(projects: Path, converged: dict[str, Converged]) -> Iterator[dict[int, Outcome]]:
    points = range(1, POINTS + 1)

    def outcome(point: int) -> Outcome:
        release = RELEASES[point % 2]
        return kill_and_repair(point, release, converged[release].tasks, projects)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield dict(zip(points, pool.map(outcome, points), strict=True))


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_a_killed_run_is_repaired_by_running_again(
    point: int, outcomes: dict[int, Outcome], converged: dict[str, Converged]
) -> None:
    outcome = outcomes[point]
    assert outcome.repair.code == 0, f"killed at {outcome.killed_at}\n{outcome.repair.output[-4000:]}"
    assert outcome.after.changed_tasks() == [], f"killed at {outcome.killed_at}"
    expected = converged[RELEASES[point % 2]].fingerprint
    different = sorted(set(outcome.fingerprint) ^ set(expected))
    assert different == [], f"killed at {outcome.killed_at}"
