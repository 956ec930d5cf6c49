"""What is remembered from one run to the next, and shown to Prometheus."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup import record
from ansible.module_utils.roost_backup.record import FOLDER, Record, gauges_as_text

STATE = FOLDER / "dumps.json"
METRICS = record.METRICS / "roost_dumps.prom"


@dataclass
class State(Record):
    """Times are seconds since the epoch, 0 for never.

    `databases` maps names to the last good dump of each: file, ended, seconds and bytes.
    """

    databases: dict[str, dict[str, Any]] = field(default_factory=dict)

    def oldest(self, names: Collection[str]) -> float:
        """When the database that is furthest behind got its last good dump; 0 if one has none."""
        return float(min((self.databases.get(name, {}).get("ended", 0) for name in names), default=0))

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget the databases that are no longer declared."""
        self.databases = {name: last for name, last in self.databases.items() if name in names}


def load(file: Path = STATE) -> State:
    """Return what is remembered."""
    return State.load(file)


def changed(file: Path = STATE, metrics: Path = METRICS) -> AbstractContextManager[State]:
    """Give the state to be changed and kept: Record.changed."""
    return load(file).changed(file, metrics, metrics_of)


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
