"""What `roost restore` is asked for, as the variables of its playbook. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from roost.choice import known_app
from roost.errors import UsageError
from roost.model import ResolvedApp

_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ Tt](?P<clock>\d\d:\d\d(:\d\d)?)"
    r" ?(?P<zone>Z|z|UTC|(?P<hours>[+-]\d\d)(:?(?P<minutes>\d\d))?)?"
)
_LABEL = re.compile(r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?")
_SNAPSHOT = re.compile(r"[0-9a-f]{8}")
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_$-]{0,62}"


class Repository(StrEnum):
    """Where backups are kept."""

    LOCAL = "local"
    OFFSITE = "offsite"


class Action(StrEnum):
    """What to do: restore, or end an earlier restore by dropping what it kept aside or by putting that back."""

    RESTORE = "restore"
    CONFIRM = "confirm"
    UNDO = "undo"


@dataclass(frozen=True)
class Restore:
    """The options of the command line; None where one was not given."""

    to: str | None = None
    label: str | None = None
    repository: Repository | None = None
    database: str | None = None
    into: str | None = None
    table: str | None = None
    files: str | None = None
    confirm: bool = False
    undo: bool = False
    without_receiver: bool = False

    @property
    def action(self) -> Action:
        """What is asked for."""
        if self.confirm:
            return Action.CONFIRM
        return Action.UNDO if self.undo else Action.RESTORE

    def variables(self) -> dict[str, Any]:
        """The playbook's variables: those that were asked for. Raises UsageError if they make no sense."""
        for mistake in self._mistakes():
            raise UsageError(mistake)
        found = {
            "backup_restore_action": None if self.action is Action.RESTORE else self.action.value,
            "backup_restore_to": None if self.to is None else utc_moment(self.to),
            "backup_restore_label": self.label,
            "backup_restore_from": self.repository and self.repository.value,
            "backup_restore_database": self.database,
            "backup_restore_into": self.into,
            "backup_restore_table": self.table,
            "backup_restore_files": self.files,
            "backup_restore_asks_receiver": False if self.without_receiver else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _mistakes(self) -> Iterator[str]:
        receiver = self.without_receiver or None
        choices = (self.to, self.label, self.repository, self.database, self.into, self.table, receiver)
        if self.confirm and self.undo:
            yield "--confirm drops what --undo would put back: choose one of them."
        if self.action is not Action.RESTORE and any(choice is not None for choice in choices):
            yield f"--{self.action} ends an earlier restore: it goes with no option that describes another one."
        if self.to is not None and self.label is not None:
            yield "--to finds its backup by itself: leave out --backup, or restore the backup without --to."
        if self.database is None and (self.into is not None or self.table is not None):
            yield f"--{'table' if self.into is None else 'into'} needs --database: which one is it about?"
        if self.files is not None and self.database is not None:
            yield "--files and --database are two restores: choose one of them."
        if self.database is not None and self.into is None:
            yield "--database needs --into: the name of the database to restore it into."
        if self.label is not None and not (_LABEL if self.files is None else _SNAPSHOT).fullmatch(self.label):
            yield f"{self.label!r} can't be the label of a backup, which `roost backups` shows."
        for name in (self.database, self.into):
            if name is not None and not re.fullmatch(_NAME, name):
                yield f"{name!r} can't be the name of a database."
        if self.table is not None and not re.fullmatch(rf"({_NAME}\.)?{_NAME}", self.table):
            yield f"{self.table!r} can't be the name of a table."


def check_keeps_files(name: str, apps: Sequence[ResolvedApp]) -> None:
    """Raise UsageError if the files of this application are not backed up."""
    known_app(name, [app.name for app in apps])
    if not any(app.name == name and app.media for app in apps):
        raise UsageError(f"{name} has no uploads that are backed up.", hint="Those of applications with media: are.")


def utc_moment(text: str) -> str:
    """A date and time as `2026-11-26 14:05:00+00`; without a zone it is meant in UTC. Raises UsageError."""
    try:
        given = datetime.fromisoformat(_iso(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no date and time such as '2026-11-26 14:05:00', which is UTC, or '2026-11-26 15:05+01:00'."
        ) from None
    return given.isoformat(" ", "seconds").removesuffix(":00")


def _iso(text: str) -> str:
    """The same with a numeric zone. Raises ValueError if it has another form."""
    found = re.fullmatch(_TIME, text.strip())
    if not found:
        raise ValueError(text)
    zone = f"{found['hours']}:{found['minutes'] or '00'}" if found["hours"] else "+00:00"
    return f"{found['day']}T{found['clock']}{zone}"
