"""What a deploy tells of migrations: what each host's `app_commands` and `app_release` returned. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.events import Event, HostResult, Status

_KEYS = ("pending", "applied", "unknown", "backup")


class MigrationsCollector:
    """Keeps what was told of each application; only the host that runs the release commands tells anything."""

    def __init__(self) -> None:
        self._told: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or event.task.module not in ("app_commands", "app_release"):
            return
        if event.status in (Status.OK, Status.CHANGED):
            told = event.result.get("migrations") or {}
            if told.get("told"):
                self._told[told["app"]] = told

    def data(self) -> list[dict[str, Any]]:
        """The migrations of each application, as JSON data."""
        return [{"app": app, **{key: told[key] for key in _KEYS}} for app, told in sorted(self._told.items())]

    def lines(self) -> Iterator[str]:
        """`atlas: 1 migration applied:` and so on."""
        for _, told in sorted(self._told.items()):
            yield from told["told"]
