"""Logical dumps: a second line, which any PostgreSQL reads, of this version or a later one."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.commands import run_as_postgres

FOLDER = Path("/var/backups/roost/postgresql")
PASSABLE = 0o755
PRIVATE = 0o700


def dump(cluster: Cluster, database: str, keep: int) -> Path:
    """Dump a database, and keep so many dumps of it. Raises BackupError."""
    file = write(cluster, database, FOLDER)
    let_go(database, keep, FOLDER)
    return file


def write(cluster: Cluster, database: str, folder: Path) -> Path:
    """Dump a database into a folder. Raises BackupError; half a dump never has a dump's name."""
    prepare(folder, "postgres")
    file = new_file(database, folder)
    unfinished = unfinished_of(file)
    run_as_postgres(
        [
            *[cluster.program("pg_dump"), f"--port={cluster.port}", "--format=custom"],
            *[f"--file={unfinished}", f"--dbname={database}"],
        ]
    )
    unfinished.replace(file)
    return file


def prepare(folder: Path, user: str) -> None:
    """Make a folder that this user alone may read, without what a run that was killed left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(PRIVATE)
    # If restic came first, it made this one for root alone.
    folder.parent.chmod(PASSABLE)
    owner = pwd.getpwnam(user)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    for left_over in folder.glob("*.unfinished"):
        left_over.unlink()


def new_file(name: str, folder: Path) -> Path:
    """Return where a dump of this moment belongs."""
    return folder / f"{name}-{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}.dump"


def unfinished_of(file: Path) -> Path:
    """Return where a dump is until it is whole."""
    return file.with_suffix(".unfinished")


def let_go(name: str, keep: int, folder: Path) -> None:
    """Remove all dumps of a name but the newest."""
    for old in dumps_of(name, folder)[:-keep]:
        old.unlink()


def dumps_of(name: str, folder: Path = FOLDER) -> list[Path]:
    """Return the dumps of a name, the oldest first."""
    return sorted(folder.glob(f"{name}-????-??-??T??-??-??Z.dump"))
