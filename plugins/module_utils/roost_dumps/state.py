"""What is remembered from one run to the next, and shown to Prometheus."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup.state import FOLDER, METRICS, gauges_as_text, write

STATE = FOLDER / "dumps.json"
DUMPS_METRICS = METRICS.with_name("roost_dumps.prom")


@dataclass
class State:
    """Times are seconds since the epoch, 0 for never.

    `databases` maps names to the last good dump of each: file, ended, seconds and bytes.
    """

    databases: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: float = 0
    reason: str = ""

    def oldest(self, names: Collection[str]) -> float:
        """When the database that is furthest behind got its last good dump; 0 if one has none."""
        return float(min((self.databases.get(name, {}).get("ended", 0) for name in names), default=0))

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget the databases that are no longer declared."""
        self.databases = {name: last for name, last in self.databases.items() if name in names}


def load(file: Path = STATE) -> State:
    """Return what is remembered."""
    return State(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else State()


@contextmanager
def changed(file: Path = STATE, metrics: Path = DUMPS_METRICS) -> Iterator[State]:
    """Give the state to be changed; it is written, and shown as metrics, whatever happens meanwhile."""
    state = load(file)
    try:
        yield state
    finally:
        write(file, json.dumps(asdict(state), indent=1) + "\n", 0o600)
        write(metrics, metrics_of(state), 0o644)


def metrics_of(state: State) -> str:
    """The state in the format that Prometheus' node exporter collects."""
    return gauges_as_text(
        "roost_dumps",
        [
            ("last_success_timestamp_seconds", "When the last good dump ended.", _each(state, "ended")),
            ("duration_seconds", "How long the last good dump took.", _each(state, "seconds")),
            ("bytes", "The size of the last good dump.", _each(state, "bytes")),
            ("failed", "Whether the last run failed.", {"": int(state.failed > 0)}),
        ],
    )


def _each(state: State, key: str) -> dict[str, float]:
    return {f'{{database="{name}"}}': last[key] for name, last in state.databases.items()}
