"""Which backups `roost backup` made: what each host's modules for backups returned. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.display import duration
from roost.events import Event, HostResult, Status
from roost.wording import backup_kind, size

_KEYS = {
    "postgresql_backup": ("kind", "backups", "expired", "told"),
    "database_dumps": ("dumps",),
    "files_backup": ("files",),
}
_NOTHING = {"kind": "", "backups": [], "expired": [], "told": [], "dumps": [], "files": []}


class BackupCollector:
    """Keeps what the hosts made; `hosts` maps a host's name to what it returned."""

    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or event.task.module not in _KEYS:
            return
        if event.status in (Status.OK, Status.CHANGED) and set(_KEYS[event.task.module]) <= event.result.keys():
            made = self.hosts.setdefault(event.host, dict(_NOTHING))
            made.update({key: event.result[key] for key in _KEYS[event.task.module]})

    def data(self) -> list[dict[str, Any]]:
        """What they made, as JSON data."""
        return [{"host": host, **made} for host, made in sorted(self.hosts.items())]

    def lines(self) -> Iterator[str]:
        """`vm1: full backup 20261126-150009F to offsite, 3.9 MiB in 3 s`, then what else the host tells."""
        for host, made in sorted(self.hosts.items()):
            yield from (f"{host}: {_backup(backup)}" for backup in made["backups"])
            yield from (f"{host}: {_dump(one)}" for one in made["dumps"])
            yield from (f"{host}: {_files(one)}" for one in made["files"])
            yield from (f"{host}: {sentence}" for sentence in made["told"])


def _backup(backup: Mapping[str, Any]) -> str:
    took = f"{size(backup['stored_bytes'])} in {duration(backup['seconds'])}"
    return f"{backup_kind(backup['kind'])} backup {backup['label']} to {backup['repository']}, {took}"


def _dump(made: Mapping[str, Any]) -> str:
    return f"dump of {made['name']} as {made['file']}, {size(made['bytes'])} in {duration(made['seconds'])}"


def _files(made: Mapping[str, Any]) -> str:
    took = f"{size(made['file_bytes'])}, {size(made['added_bytes'])} of it new, in {duration(made['seconds'])}"
    return f"files of {made['name']} as {made['label']} to {made['repository']}, {took}"
