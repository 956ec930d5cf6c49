"""ansible-playbook is killed at ten points of a cold run; running it again must end in the host of the journey."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.hosts import sandbox_host
from tests.support.journey import Journey, project_on
from tests.support.project import Run

POINTS = 10
TASK_LINE = ("TASK [", "RUNNING HANDLER [")


@dataclass(frozen=True)
class Outcome:
    """What an undisturbed cold run left, and what killed runs and the runs after them left on another host."""

    undisturbed: list[str]
    killed_at: list[str]
    repair: Run
    after: Run
    repaired: list[str]

    @property
    def different(self) -> list[str]:
        return sorted(set(self.undisturbed) ^ set(self.repaired))


def from_point_on(tasks: list[str], point: int) -> set[str]:
    """Return the tasks of a cold run that come at this point or later. A run after it announces only some of them."""
    number = len(tasks) * point // (POINTS + 1)
    return set(tasks[number:]) - set(tasks[:number])


def kill_at(process: subprocess.Popen[str], tasks: set[str]) -> str:
    """Kill a run and everything it started when it announces one of these tasks; return that one.

    Raises:
        AssertionError: The run ended before: it could not repair what the run killed before it had left.
    """
    assert process.stdout is not None
    output = []
    for line in process.stdout:
        output.append(line)
        if line.strip() in tasks:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return line.strip()
    raise AssertionError(f"the run ended before it was killed:\n{''.join(output)[-4000:]}")


def kill_and_repair(journey: Journey, points: range, folder: Path) -> Outcome:
    """Kill one run after the other on one host, each of them further than the one before, and then let one end."""
    tasks = [line.strip() for line in journey.first.output.splitlines() if line.startswith(TASK_LINE)]
    with sandbox_host(f"killed-{journey.release}", journey.release) as host:
        project = project_on(host, folder / "killed")
        command = project.playbook_command("site.yml")
        killed_at = [kill_at(project.start(*command), from_point_on(tasks, point)) for point in points]
        return Outcome(
            journey.left, killed_at, project.playbook("site.yml"), project.playbook("site.yml"), host.fingerprint()
        )


def test_killed_runs_are_repaired_by_running_again(journey: Journey, tmp_path: Path) -> None:
    first = {"debian12": 1, "debian13": 2}[journey.release]
    outcome = kill_and_repair(journey, range(first, POINTS + 1, 2), tmp_path)
    assert len(set(outcome.killed_at)) == POINTS // 2
    assert outcome.repair.code == 0, f"killed at {outcome.killed_at}\n{outcome.repair.output[-4000:]}"
    assert outcome.after.changed_tasks() == [], f"killed at {outcome.killed_at}"
    assert outcome.different == [], f"killed at {outcome.killed_at}"
