"""What `roost releases` shows: the releases that each host's `app_releases` returned. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.events import Event, HostResult
from roost.wording import moment

_SHORT = 12


class ReleasesCollector:
    """Keeps what the hosts returned; `apps` maps an application's name to its state on each host."""

    def __init__(self) -> None:
        self.apps: dict[str, dict[str, Mapping[str, Any]]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostResult) and event.task.module == "app_releases":
            for app in event.result.get("apps", []):
                self.apps.setdefault(app["name"], {})[event.host] = app

    def data(self) -> dict[str, Any]:
        """All of it as JSON data, with the seconds that each release took."""
        return {
            name: {host: {**app, "releases": [_timed(item) for item in app["releases"]]} for host, app in hosts.items()}
            for name, hosts in sorted(self.apps.items())
        }


@dataclass(frozen=True)
class ReleaseTable:
    """The releases of one application: `notes` above them, rows of cells under `columns`."""

    app: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def release_table(app: str, hosts: Mapping[str, Mapping[str, Any]]) -> ReleaseTable:
    """One row a release; one a release and host, if the hosts differ."""
    columns = ("release", "version", "commit", "who", "when", "state")
    shapes = {tuple((item["id"], item["state"]) for item in found["releases"]) for found in hosts.values()}
    notes = [*_locks(hosts), *_turns(hosts)]
    if len(shapes) == 1:
        first = next(iter(hosts.values()))
        return ReleaseTable(app, columns, [_row(item) for item in first["releases"]], notes)
    rows = [(host, *_row(item)) for host, found in sorted(hosts.items()) for item in found["releases"]]
    return ReleaseTable(app, ("host", *columns), rows, notes)


def _locks(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for host, found in sorted(hosts.items()):
        if lock := found["lock"]:
            yield f"locked on {host} by {lock['who']} since {moment(lock['since'])}: {lock['why']}"


def _turns(hosts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for host, found in sorted(hosts.items()):
        if turn := found["turn"]:
            phase = f", last at {turn['phase']}" if turn["phase"] else ""
            since = f"since {moment(turn['since'])}{phase} {turn['idle_seconds']} s ago"
            yield f"a {turn['kind']} by {turn['who']} is running on {host} {since}"


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
    state = f"{item['state']}: {item['reason']}" if item["reason"] else item["state"]
    return item["id"], item["version"], item["commit"][:_SHORT], item["who"], moment(item["when"]), state


def _timed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "seconds": round(sum(item["phases"].values()), 2)}
