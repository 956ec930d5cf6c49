"""What `roost backups` shows: what each host's `postgresql_backups` and `files_backups` found. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roost.display import duration
from roost.events import Event, HostResult
from roost.wording import backup_kind, moment, size

FILES_COLUMNS = ("label", "files of", "when", "repository")
COLUMNS = ("label", "kind", "when", "size", "repository", "state")


class BackupsCollector:
    """Keeps what the hosts found; `hosts` maps a host's name to its databases' backups, `files` to its files'."""

    def __init__(self) -> None:
        self.hosts: dict[str, Mapping[str, Any]] = {}
        self.files: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult) or "found" not in event.result:
            return
        if event.task.module == "postgresql_backups":
            self.hosts[event.host] = event.result["found"]
        elif event.task.module == "files_backups":
            self.files[event.host] = event.result["found"]


@dataclass(frozen=True)
class Line:
    """A row of cells, or a text alone; `bad` if somebody should look at it."""

    cells: tuple[str, ...]
    bad: bool = False


def backup_rows(found: Mapping[str, Any]) -> list[Line]:
    """One row a backup under COLUMNS, the newest first."""
    pairs = [(backup, repository["name"]) for repository in found["repositories"] for backup in repository["backups"]]
    pairs.sort(key=lambda pair: str(pair[0]["ended"]), reverse=True)
    return [_row(backup, repository) for backup, repository in pairs]


def _row(backup: Mapping[str, Any], repository: str) -> Line:
    state = f"broken: {backup['broken']}" if backup["broken"] else "good"
    stored = f"{size(backup['database_bytes'])} ({size(backup['stored_bytes'])} stored)"
    cells = (backup["label"], backup_kind(backup["kind"]), moment(backup["ended"]), stored, repository, state)
    return Line(cells, bool(backup["broken"]))


def files_rows(found: Mapping[str, Any]) -> list[Line]:
    """One row a snapshot under FILES_COLUMNS, the newest first."""
    rows = [
        Line((one["label"], one["name"], moment(one["taken"]), repository["name"]))
        for repository in found["repositories"]
        for one in repository["snapshots"]
    ]
    return sorted(rows, key=lambda row: row.cells[2], reverse=True)


def files_notes(found: Mapping[str, Any]) -> Iterator[Line]:
    """What can't be reached, how the last backup of files went, and what a restore kept aside."""
    for repository in found["repositories"]:
        if repository["problem"]:
            yield _note(repository["problem"], bad=True)
        elif not repository["snapshots"]:
            yield _note(f"{repository['name']}: no files to restore yet")
    if found["last"]["failed"]:
        yield _note(
            f"the backup of files at {moment(found['last']['failed'])} failed: {found['last']['reason']}", bad=True
        )
    yield from (_note(f"kept aside by a restore: {path}") for path in found["kept_aside"])


def backup_notes(found: Mapping[str, Any]) -> Iterator[Line]:
    """What can be restored, how the last backup and the last drill went, and what a restore kept aside."""
    for repository in found["repositories"]:
        yield from _reach(repository)
    yield from _last(found["last"])
    archiving = found["archiving"]
    if not archiving["working"]:
        reason = f": {archiving['reason']}" if archiving["reason"] else ""
        yield _note(f"{behind(archiving['waiting'])}{reason}", bad=True)
    yield _drill(found["drill"])
    for kept in found["kept_aside"]:
        yield _note(f"kept aside by a restore at {moment(kept['when'])}: {kept['path']}, {size(kept['bytes'])}")


def behind(waiting: int) -> str:
    """`the archive is behind: 3 WAL files wait`."""
    return f"the archive is behind: {waiting} WAL file{' waits' if waiting == 1 else 's wait'}"


def _reach(repository: Mapping[str, Any]) -> Iterator[Line]:
    name = repository["name"]
    if repository["problem"]:
        yield _note(f"{name}: {repository['problem']}", bad=True)
    if repository["since"]:
        yield _note(f"{name}: any point in time since {moment(repository['since'])}")
    elif not repository["problem"]:
        yield _note(f"{name}: nothing to restore yet")


def _last(last: Mapping[str, Any]) -> Iterator[Line]:
    succeeded, failed = last["succeeded"], last["failed"]
    yield _note(f"last backup: {moment(succeeded)}" if succeeded else "no backup yet")
    if failed > succeeded:
        yield _note(f"the backup at {moment(failed)} failed: {last['reason']}", bad=True)


def _drill(drill: Mapping[str, Any]) -> Line:
    if not drill:
        return _note("no restore drill yet")
    when = moment(drill["when"])
    which = f"backup {drill['backup']} of {drill['repository']}" if drill["backup"] else "no backup"
    if not drill["ok"]:
        return _note(f"the restore drill at {when} failed, with {which}: {drill['reason']}", bad=True)
    rto, rpo = duration(drill["rto_seconds"]), duration(drill["rpo_seconds"])
    return _note(f"last restore drill: {when}, {which}, {rto} to restore (RTO), {rpo} of data lost (RPO)")


def _note(text: str, *, bad: bool = False) -> Line:
    return Line((text,), bad)
