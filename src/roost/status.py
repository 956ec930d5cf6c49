"""What `roost status` shows: the state that each host's `host_status` returned. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.backup_status import (
    backup_row,
    backup_troubles,
    dumps_row,
    dumps_troubles,
    files_row,
    files_troubles,
)
from roost.events import Event, HostResult
from roost.receiver_status import receiver_row, receiver_troubles

_DISK_FULL_PERCENT = 90
_MEMORY_LOW_SHARE = 0.05
_CERTIFICATE_DAYS = 14
_GOOD_PROGRAM = "running"
_GOOD_UNIT = "active"


class StatusCollector:
    """Keeps what the hosts returned; `hosts` maps a host's name to its state."""

    def __init__(self) -> None:
        self.hosts: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostResult) and event.task.module == "host_status" and "status" in event.result:
            self.hosts[event.host] = event.result["status"]


def troubles(status: Mapping[str, Any]) -> Iterator[str]:
    """What needs somebody's attention on a host."""
    yield from (f"{unit} failed" for unit in status["failed_units"])
    for unit, state in status["services"].items():
        if state != _GOOD_UNIT and unit not in status["failed_units"]:
            yield f"{unit} is {state}"
    for app in status["apps"]:
        yield from _app_troubles(app)
    for database in status["databases"]:
        if database["problem"]:
            yield f"the database of {database['name']} can't be reached: {database['problem']}"
    yield from filter(None, map(_certificate_trouble, status["certificates"]))
    for disk in status["disks"]:
        if disk["used_percent"] >= _DISK_FULL_PERCENT:
            yield f"{disk['path']} is {disk['used_percent']} % full"
    memory = status["memory"]
    if memory["available_mb"] < memory["total_mb"] * _MEMORY_LOW_SHARE:
        yield f"only {memory['available_mb']} MiB of memory are available"
    if status["backups"] is not None:
        yield from backup_troubles(status["backups"])
    if status["dumps"] is not None:
        yield from dumps_troubles(status["dumps"])
    if status["files"] is not None:
        yield from files_troubles(status["files"])
    if status["receiver"] is not None:
        yield from receiver_troubles(status["receiver"])


def _certificate_trouble(certificate: Mapping[str, Any]) -> str | None:
    """One that is renewed by itself is renewed when a third of its life is left, so a quarter is late."""
    if certificate["failure"]:
        return f"the certificate {certificate['name']} could not be issued: {certificate['failure']}"
    if certificate["days_left"] < min(_CERTIFICATE_DAYS, certificate["lifetime_days"] / 4):
        return f"the certificate {certificate['name']} ends in {certificate['days_left']} days"
    return None


def _app_troubles(app: Mapping[str, Any]) -> Iterator[str]:
    if not app["release"]:
        yield f"{app['name']} has no release"
    elif app["slot"] and app["web"] != _GOOD_UNIT:
        yield f"{app['name']}'s web process is {app['web'] or 'missing'}"
    elif app["frontend"] not in {None, _GOOD_UNIT}:
        yield f"the server of {app['name']}'s front end is {app['frontend'] or 'missing'}"
    if app["maintenance_since"]:
        yield f"{app['name']} is in maintenance mode since {app['maintenance_since']}"
    for program, state in app["programs"].items():
        if state != _GOOD_PROGRAM:
            yield f"{program} is {state}"


def status_rows(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A host's state as pairs of a label and a text."""
    yield "up", f"{_age(status['uptime_seconds'])}, load {status['load']}"
    memory = status["memory"]
    swap = f", {_size(memory['swap_used_mb'])} swapped" if memory["swap_used_mb"] else ""
    yield "memory", f"{_size(memory['available_mb'])} of {_size(memory['total_mb'])} available{swap}"
    for disk in status["disks"]:
        yield "disk", f"{disk['path']} {disk['used_percent']} % used, {_size(disk['free_mb'])} free"
    if status["services"]:
        yield "services", ", ".join(_unit(name, state) for name, state in sorted(status["services"].items()))
    for app in status["apps"]:
        yield "app", _app(app)
    for database in status["databases"]:
        yield "database", f"{database['name']} {'out of reach' if database['problem'] else 'answers'}, elsewhere"
    for certificate in status["certificates"]:
        kind = "self-signed" if certificate["self_signed"] else "issued"
        yield "certificate", f"{certificate['name']} {kind}, {certificate['days_left']} days left"
    if status["backups"] is not None:
        yield "backup", backup_row(status["backups"])
    if status["dumps"] is not None:
        yield "dumps", dumps_row(status["dumps"])
    if status["files"] is not None:
        yield "files", files_row(status["files"])
    if status["receiver"] is not None:
        yield "receiver", receiver_row(status["receiver"])


def _app(app: Mapping[str, Any]) -> str:
    parts = [f"{app['name']} release {app['release'] or '(none)'}"]
    if app["slot"]:
        parts.append(f"{app['slot']} {app['web'] or 'missing'}")
    if app["warm"]:
        parts.append(f"{app['warm']} kept warm")
    if app["frontend"] is not None:
        parts.append(f"front end {app['frontend'] or 'missing'}")
    if app["programs"]:
        running = sum(state == _GOOD_PROGRAM for state in app["programs"].values())
        parts.append(f"{running} of {len(app['programs'])} background programs running")
    return ", ".join(parts)


def _unit(name: str, state: str) -> str:
    short = name.removesuffix(".service")
    return short if state == _GOOD_UNIT else f"{short} ({state})"


def _size(mebibytes: int) -> str:
    return f"{mebibytes / 1024:.1f} GiB" if mebibytes >= 1024 else f"{mebibytes} MiB"


def _age(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{days} days" if days else f"{rest // 3600} h {rest % 3600 // 60} min"
