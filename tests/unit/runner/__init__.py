"""The runner: events recorded from real runs in, summaries and texts out."""

import json
from pathlib import Path
from typing import Any

from roost.events import HostResult, Status, Task, parse
from roost.progress import Progress


def recorded(name: str) -> list[dict[str, Any]]:
    """The raw events of a recorded run."""
    text = (Path(__file__).parent / "events" / f"{name}.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def replayed(name: str) -> Progress:
    """The progress after all events of a recorded run."""
    progress = Progress()
    for raw in recorded(name):
        if (event := parse(raw)) is not None:
            progress.apply(event)
    return progress


def result(action: str, returned: dict[str, Any], status: Status = Status.CHANGED, name: str = "A task") -> HostResult:
    """A task's result on the host vm1."""
    return HostResult(
        "vm1", Task(name, "role", "/project/roles/role/tasks/main.yml:3", action), status, 1.0, False, returned
    )
