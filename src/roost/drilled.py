"""How a restore drill went: what each host's `postgresql_drill` returned. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.display import duration
from roost.events import Event, HostResult


class DrillCollector:
    """Keeps each host's drill, a failed one too; why it failed is told by the error that the run ends with."""

    def __init__(self) -> None:
        self.hosts: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or event.task.module != "postgresql_drill":
            return
        if drill := event.result.get("drill"):
            self.hosts[event.host] = drill

    def data(self) -> list[dict[str, Any]]:
        """The drills as JSON data."""
        return [{"host": host, **drill} for host, drill in sorted(self.hosts.items())]

    def lines(self) -> Iterator[str]:
        """`vm1: backup 20261126-150009F of offsite restores: 12 s to restore, 0 s of data lost; 3 checks passed`."""
        for host, drill in sorted(self.hosts.items()):
            if drill["ok"]:
                count = len(drill["checks"])
                passed = f"{count} check{'' if count == 1 else 's'} passed"
                yield f"{host}: backup {drill['backup']} of {drill['repository']} restores: {measured(drill)}; {passed}"


def measured(drill: Mapping[str, Any]) -> str:
    """What a drill that went well has measured: `12 s to restore, 0 s of data lost`."""
    return f"{duration(drill['rto_seconds'])} to restore, {duration(drill['rpo_seconds'])} of data lost"
