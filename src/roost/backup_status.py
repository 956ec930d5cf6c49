"""What `roost status` tells of a host's backups. Pure."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from roost.backups import behind
from roost.drilled import measured
from roost.wording import age


def backup_troubles(backups: Mapping[str, Any]) -> Iterator[str]:
    """What needs somebody's attention."""
    if not backups["last"]:
        yield "there is no backup yet"
    elif backups["age_seconds"] > backups["late_after_seconds"]:
        yield f"the last good backup is {age(backups['age_seconds'])} old"
    if backups["failed"]:
        yield f"the last backup failed: {backups['failed']}"
    yield from (f"backup {label} is broken" for label in backups["broken"])
    if backups["archiving_failing"]:
        yield behind(backups["archiving_waiting"])
    yield from _drill_troubles(backups)


def files_troubles(files: Mapping[str, Any]) -> Iterator[str]:
    """What needs somebody's attention of the backups of files. None has to be made at once."""
    if not files["last"]:
        if files["first_age_seconds"] > files["late_after_seconds"]:
            yield "there is no backup of files yet"
    elif files["age_seconds"] > files["late_after_seconds"]:
        yield f"the last good backup of files is {age(files['age_seconds'])} old"
    if files["failed"]:
        yield f"the last backup of files failed: {files['failed']}"


def dumps_troubles(dumps: Mapping[str, Any]) -> Iterator[str]:
    """What needs somebody's attention of the dumps of databases elsewhere. None has to be made at once."""
    if not dumps["last"]:
        if dumps["first_age_seconds"] > dumps["late_after_seconds"]:
            yield "there is no dump of a database elsewhere yet"
    elif dumps["age_seconds"] > dumps["late_after_seconds"]:
        yield f"the last good dump of a database elsewhere is {age(dumps['age_seconds'])} old"
    if dumps["failed"]:
        yield f"the last dump of databases elsewhere failed: {dumps['failed']}"


def dumps_row(dumps: Mapping[str, Any]) -> str:
    """`last 3 h ago`."""
    return f"last {age(dumps['age_seconds'])} ago" if dumps["last"] else "none yet"


def files_row(files: Mapping[str, Any]) -> str:
    """`backed up 3 h ago`."""
    return f"backed up {age(files['age_seconds'])} ago" if files["last"] else "not backed up yet"


def _drill_troubles(backups: Mapping[str, Any]) -> Iterator[str]:
    """None has to have run until backups have been declared for as long as a drill may be old; 0 means any age."""
    drill, late_after = backups["drill"], backups["drill_late_after_seconds"] or math.inf
    if not drill:
        if backups["first_age_seconds"] > late_after:
            yield "no restore drill has run"
        return
    if not drill["ok"]:
        yield f"the last restore drill failed: {drill['reason']}"
    if drill["age_seconds"] > late_after:
        yield f"the last restore drill is {age(drill['age_seconds'])} old"


def backup_row(backups: Mapping[str, Any]) -> str:
    """`last 3 h ago, restore drill 2 days ago: 12 s to restore, 0 s of data lost`."""
    last = f"last {age(backups['age_seconds'])} ago" if backups["last"] else "none yet"
    drill = backups["drill"]
    if not drill:
        return f"{last}, no restore drill yet"
    outcome = f": {measured(drill)}" if drill["ok"] else " failed"
    return f"{last}, restore drill {age(drill['age_seconds'])} ago{outcome}"
