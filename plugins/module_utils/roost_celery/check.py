"""Can tasks of a Celery application be lost or run twice, in spite of the settings that its workers are given?

The settings are given on the command line, so they need nothing in the application. They don't reach a task that
the application made before, nor one with settings of its own, nor the broker's options, which have no place there.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.roost_app.commands import run_in_release
from ansible.module_utils.roost_app.paths import AppPaths

CHECK = "/usr/local/lib/roost/celery-check"
DEFAULT_VISIBILITY_TIMEOUT = 3600
NAMES_SHOWN = 3


@dataclass(frozen=True)
class Application:
    """A Celery application with the settings and pools of its workers; each pool has queues and a patience."""

    app: str
    application: str
    settings: list[str]
    pools: list[dict[str, Any]]

    @property
    def patience(self) -> int:
        """The seconds that the most patient pool waits for its tasks."""
        return max(int(pool["patience"]) for pool in self.pools)

    def patience_of(self, queue: str) -> int | None:
        """The seconds that a task in this queue is waited for at least; None if no pool consumes the queue."""
        return min((int(pool["patience"]) for pool in self.pools if queue in pool["queues"]), default=None)

    @property
    def knows_its_queues(self) -> bool:
        return all(pool["queues"] for pool in self.pools)


def look_at(application: Application) -> list[str]:
    """Load the application as its workers do, in its live release, and return a sentence for each thing that is wrong.

    Raises ReleaseError if it can't be loaded.
    """
    paths = AppPaths(application.app)
    command = shlex.join([CHECK, application.application, *application.settings])
    printed = run_in_release(command, paths.current.resolve(), paths)
    return [f"{application.app}: {wrong}" for wrong in judge(json.loads(printed.splitlines()[-1]), application)]


def judge(report: dict[str, Any], application: Application) -> list[str]:
    """Return a sentence for each thing that is wrong in what celery-check printed."""
    return [
        *_acknowledged_early(report),
        *_started_twice(report, application),
        *(_by_queue(report, application) if application.knows_its_queues else []),
    ]


def _acknowledged_early(report: dict[str, Any]) -> list[str]:
    # Whoever sets it for all tasks has heard of it, and means the exceptions.
    if report["own_acks_late"]:
        return []
    tasks = report["tasks"].items()
    early = [name for name, task in tasks if not (task["acks_late"] and task["rejected_when_lost"])]
    if not early:
        return []
    return [
        f"a crash of a worker loses the tasks that it works on, of the kinds {_some(early)}. Let the application set "
        "task_acks_late and task_reject_on_worker_lost (from CELERY_TASK_ACKS_LATE and "
        "CELERY_TASK_REJECT_ON_WORKER_LOST) before it makes them."
    ]


def _started_twice(report: dict[str, Any], application: Application) -> list[str]:
    timeout = report["visibility_timeout"]
    if (DEFAULT_VISIBILITY_TIMEOUT if timeout is None else timeout) >= application.patience:
        return []
    return [
        f"a task that runs for more than {timeout or DEFAULT_VISIBILITY_TIMEOUT} s is started a second time meanwhile. "
        "Let the application set broker_transport_options = {'visibility_timeout': ...} "
        "(from CELERY_VISIBILITY_TIMEOUT)."
    ]


def _by_queue(report: dict[str, Any], application: Application) -> list[str]:
    queues: dict[str, list[str]] = {}
    killed = []
    for name, task in report["tasks"].items():
        queue = task["queue"]
        patience = application.patience_of(queue) if queue else None
        if queue and patience is None:
            queues.setdefault(queue, []).append(name)
        elif patience and (task["time_limit"] or 0) > patience:
            killed.append(name)
    unserved = [
        f"no pool works on the queue {queue}, to which {_some(names)} {'goes' if len(names) == 1 else 'go'}. "
        "Name it in the queues of a pool."
        for queue, names in sorted(queues.items())
    ]
    if not killed:
        return unserved
    return [
        *unserved,
        f"a deploy may kill {_some(killed)} at work, whose own time_limit is longer than that of the pool. "
        "Give the pool the longer one.",
    ]


def _some(names: list[str]) -> str:
    """`a, b, c and 4 more`."""
    shown = sorted(names)[:NAMES_SHOWN]
    more = len(names) - len(shown)
    return (
        f"{', '.join(shown)} and {more} more"
        if more
        else " and ".join([*filter(None, [", ".join(shown[:-1])]), shown[-1]])
    )
