"""Which releases a deploy or rollback brought to life: what each host's `release_slot` returned. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from roost.events import Event, HostResult, Status


class SwitchCollector:
    """Keeps what became of each application on each host; `apps` maps (application, host) to its state."""

    def __init__(self) -> None:
        self.apps: dict[tuple[str, str], Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or event.task.module != "release_slot":
            return
        if event.status in (Status.OK, Status.CHANGED):
            self.apps |= {(app["name"], event.host): app for app in event.result.get("apps", [])}

    def data(self) -> list[dict[str, str | bool]]:
        """What became of them, as JSON data."""
        return [
            {
                "app": name,
                "host": host,
                "release": state["release"],
                "previous": state["previous"],
                "already_live": _already_live(state),
            }
            for (name, host), state in sorted(self.apps.items())
        ]

    def lines(self) -> Iterator[str]:
        """`atlas: 3f2a9c1d7e55 is live on vm1 and vm2 (before: 0b1c).`"""
        hosts = defaultdict(list)
        for (name, host), state in sorted(self.apps.items()):
            if state["release"]:
                already = _already_live(state)
                before = state["previous"] if state["previous"] != state["release"] else ""
                hosts[name, state["release"], already, before].append(host)
        for (name, release, already, before), where in hosts.items():
            since = f" (before: {before})" if before else ""
            yield f"{name}: {release} is {'already ' if already else ''}live on {', '.join(where)}{since}."


def _already_live(state: Mapping[str, Any]) -> bool:
    return bool(state["release"]) and state["release"] == state["previous"] and not state["switched"]
