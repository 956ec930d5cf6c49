"""What a restore does or, in check mode, would do: what each host's `*_restore` returned. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.events import Event, HostResult, Status

_MODULES = ("postgresql_restore", "files_restore")


class RestoreCollector:
    """Keeps what the hosts told; `hosts` maps a host's name to what it returned."""

    def __init__(self) -> None:
        self.hosts: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or event.task.module not in _MODULES:
            return
        if event.status in (Status.OK, Status.CHANGED) and "told" in event.result:
            self.hosts[event.host] = event.result

    @property
    def changes(self) -> bool:
        """Whether anything on a host was changed or would be."""
        return any(restore["changed"] for restore in self.hosts.values())

    def data(self) -> list[dict[str, Any]]:
        """What they told, as JSON data."""
        return [
            {"host": host, **{key: restore[key] for key in ("changed", "told", "kept")}}
            for host, restore in sorted(self.hosts.items())
        ]

    def lines(self) -> Iterator[str]:
        """`vm1: ` and each sentence."""
        for host, restore in sorted(self.hosts.items()):
            yield from (f"{host}: {sentence}" for sentence in restore["told"])
