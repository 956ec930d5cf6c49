"""One run of the dumps: of each database a new one that can be read again, what is old let go, and how it went."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup.commands import run
from ansible.module_utils.roost_backup.dumps import dumps_of, let_go, new_file, prepare, unfinished_of
from ansible.module_utils.roost_backup.elsewhere import Elsewhere
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_dumps import state
from ansible.module_utils.roost_dumps.state import State

FOLDER = Path("/var/backups/roost/databases")
VERSION = "SELECT current_setting('server_version_num')::int / 10000"
LEFT_FREE = 0.05


@dataclass(frozen=True)
class Dumped:
    """A database elsewhere, and how many dumps of it are kept."""

    name: str
    url: str
    keep: int


@dataclass
class Run:
    """A run over `databases`. One that fails holds up no other."""

    databases: Sequence[Dumped]
    folder: Path = FOLDER
    made: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def do(self) -> None:
        """Do it all. Raises BackupError, after everything that could be done was done, if anything failed."""
        with state.changed() as known, known.of_run(self.problems):
            prepare(self.folder, "root")
            for database in self.databases:
                try:
                    self._dump(database, known)
                except BackupError as problem:
                    self.problems.append(f"dump of {database.name}: {problem}")
            known.forget_all_but({database.name for database in self.databases})

    def _dump(self, database: Dumped, known: State) -> None:
        refuse_newer_server(database.url)
        refuse_without_room(self.folder, dumps_of(database.name, self.folder))
        began = time.monotonic()
        file = write(database, self.folder)
        let_go(database.name, database.keep, self.folder)
        done = {
            "file": str(file),
            "ended": time.time(),
            "seconds": round(time.monotonic() - began, 1),
            "bytes": file.stat().st_size,
        }
        self.made.append({"name": database.name, **done})
        known.databases[database.name] = done


def write(database: Dumped, folder: Path) -> Path:
    """Dump a database, and read the dump's table of contents. Raises BackupError, and leaves nothing behind then."""
    file = new_file(database.name, folder)
    unfinished = unfinished_of(file)
    try:
        run(
            ["pg_dump", "--format=custom", "--no-password", f"--file={unfinished}"],
            environment=Elsewhere(database.url).environment,
        )
        run(["pg_restore", "--list", str(unfinished)])
    except BackupError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(file)
    return file


def refuse_newer_server(url: str) -> None:
    """Raise BackupError if the server can't be asked, NewerServerError if pg_dump of this host is too old for it."""
    server = int(Elsewhere(url).sql(VERSION))
    printed = run(["pg_dump", "--version"])
    found = re.search(r"\d+", printed)
    client = int(found[0]) if found else 0
    if client < server:
        raise NewerServerError(
            f"the server has PostgreSQL {server}, which pg_dump of this host, version {client}, can't dump: install "
            f"postgresql-client-{server}, take a host with a newer Debian, or say database: {{dumps: 0}}"
        )


class NewerServerError(BackupError):
    """A server that is newer than this host's programs."""


def refuse_without_room(folder: Path, earlier: Sequence[Path]) -> None:
    """Raise BackupError if one more dump, as large as the last one, would fill the disk."""
    needed = earlier[-1].stat().st_size if earlier else 0
    disk = shutil.disk_usage(folder)
    if disk.free - needed < disk.total * LEFT_FREE:
        wanted, free = (f"{size / 2**20:.0f} MiB" for size in (needed, disk.free))
        raise BackupError(f"{folder} has no room for {wanted} more with {free} free: make room on that disk")
