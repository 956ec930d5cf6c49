"""What is remembered from one run to the next, and shown to Prometheus."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup import record
from ansible.module_utils.roost_backup.record import FOLDER, Record, gauges_as_text

STATE = FOLDER / "files.json"
METRICS = record.METRICS / "roost_files.prom"


@dataclass
class State(Record):
    """Times are seconds since the epoch, 0 for never.

    `repositories` maps names to the last good backup of each set there: label, ended, seconds, files, file_bytes and
    added_bytes.
    """

    repositories: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def oldest(self, repositories: Collection[str], names: Collection[str]) -> float:
        """When the set that is furthest behind got its last good backup; 0 if one has none somewhere."""
        ended = [
            self.repositories.get(place, {}).get(name, {}).get("ended", 0) for place in repositories for name in names
        ]
        return float(min(ended, default=0))

    def forget_all_but(self, repositories: Collection[str], names: Collection[str]) -> None:
        """Forget the repositories and sets that are no longer declared."""
        self.repositories = {
            place: {name: last for name, last in sets.items() if name in names}
            for place, sets in self.repositories.items()
            if place in repositories
        }


def load(file: Path = STATE) -> State:
    """Return what is remembered."""
    return State.load(file)


def changed(file: Path = STATE, metrics: Path = METRICS) -> AbstractContextManager[State]:
    """Give the state to be changed and kept: Record.changed."""
    return load(file).changed(file, metrics, metrics_of)


def metrics_of(state: State) -> str:
    """The state in the format that Prometheus' node exporter collects."""
    return gauges_as_text(
        "roost_files",
        [
            ("last_success_timestamp_seconds", "When the last good backup of files ended.", _each(state, "ended")),
            ("duration_seconds", "How long the last good backup of files took.", _each(state, "seconds")),
            ("stored_bytes", "What the last good backup of files added.", _each(state, "added_bytes")),
            ("failed", "Whether the last run failed.", {"": int(state.failed > 0)}),
        ],
    )


def _each(state: State, key: str) -> dict[str, float]:
    return {
        f'{{repository="{place}",set="{name}"}}': last[key]
        for place, sets in state.repositories.items()
        for name, last in sets.items()
    }
