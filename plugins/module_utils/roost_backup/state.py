"""What is remembered from one run to the next, and shown to Prometheus."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup import record
from ansible.module_utils.roost_backup.record import FOLDER, Gauge, Record, gauges_as_text

STATE = FOLDER / "state.json"
METRICS = record.METRICS / "roost_backup.prom"


@dataclass
class State(Record):
    """Times are seconds since the epoch, 0 for never.

    `repositories` maps names to the last good backup there (label, kind, ended, seconds, stored_bytes), `broken_in`
    maps them to the labels of broken backups there and what is wrong with each, and `drill` is how the last drill went.
    """

    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken_in: dict[str, dict[str, str]] = field(default_factory=dict)
    drill: dict[str, Any] = field(default_factory=dict)

    @property
    def broken(self) -> dict[str, str]:
        """All broken backups, with what is wrong with them."""
        return {label: reason for broken in self.broken_in.values() for label, reason in broken.items()}

    @property
    def succeeded(self) -> float:
        """When the repository that is furthest behind got its last good backup."""
        return min((float(last["ended"]) for last in self.repositories.values()), default=0)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget the repositories that are no longer declared."""
        self.repositories = {name: last for name, last in self.repositories.items() if name in names}
        self.broken_in = {name: broken for name, broken in self.broken_in.items() if name in names}


def load(file: Path = STATE) -> State:
    """Return what is remembered."""
    return State.load(file)


def changed(file: Path = STATE, metrics: Path = METRICS) -> AbstractContextManager[State]:
    """Give the state to be changed and kept: Record.changed."""
    return load(file).changed(file, metrics, metrics_of)


def metrics_of(state: State) -> str:
    """The state in the format that Prometheus' node exporter collects."""
    gauges: list[Gauge] = [
        ("last_success_timestamp_seconds", "When the last good backup ended.", _each(state, "ended")),
        ("duration_seconds", "How long the last good backup took.", _each(state, "seconds")),
        ("stored_bytes", "What the last good backup added to its repository.", _each(state, "stored_bytes")),
        ("failed", "Whether the last run failed.", {"": int(state.failed > state.succeeded)}),
        ("broken", "Backups that can't be restored.", {"": len(state.broken)}),
    ]
    if state.drill:
        drill = state.drill
        gauges += [
            ("drill_timestamp_seconds", "When the last restore drill ended.", {"": drill["ended"]}),
            ("drill_ok", "Whether the last restore drill succeeded.", {"": int(drill["ok"])}),
            ("drill_data_loss_seconds", "Commits lost in the last drill (RPO).", {"": drill["rpo_seconds"]}),
            ("drill_restore_seconds", "From nothing to answers in the last drill (RTO).", {"": drill["rto_seconds"]}),
        ]
    return gauges_as_text("roost_backup", gauges)


def _each(state: State, key: str) -> dict[str, float]:
    return {f'{{repository="{name}"}}': last[key] for name, last in state.repositories.items()}
