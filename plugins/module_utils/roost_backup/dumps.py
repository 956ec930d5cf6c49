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
    for old in dumps_of(database)[:-keep]:
        old.unlink()
    return file


def write(cluster: Cluster, database: str, folder: Path) -> Path:
    """Dump a database into a folder. Raises BackupError; half a dump never has a dump's name."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(PRIVATE)
    # If restic came first, it made this one for root alone.
    folder.parent.chmod(PASSABLE)
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    file = folder / f"{database}-{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}.dump"
    unfinished = file.with_suffix(".unfinished")
    for left_over in folder.glob("*.unfinished"):
        left_over.unlink()
    run_as_postgres(
        [
            *[cluster.program("pg_dump"), f"--port={cluster.port}", "--format=custom"],
            *[f"--file={unfinished}", f"--dbname={database}"],
        ]
    )
    unfinished.replace(file)
    return file


def dumps_of(database: str) -> list[Path]:
    """Return the dumps of a database, the oldest first."""
    return sorted(FOLDER.glob(f"{database}-????-??-??T??-??-??Z.dump"))
