"""Restore one database, or one table of it, into a new database beside the present ones."""

from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.roost_backup.choice import Choice
from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.commands import run_as_postgres
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest
from ansible.module_utils.roost_backup.scratch import Scratch

OWNER = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $${}$$"


@dataclass(frozen=True)
class Beside:
    """`database` becomes `into`; with a `table` only that. All are plain identifiers: the caller has seen to it."""

    cluster: Cluster
    database: str
    into: str
    table: str
    memory_mb: int

    def refuse_if_it_exists(self) -> None:
        """Raise BackupError if there is a database of the new name."""
        if self.into in self.cluster.databases():
            raise BackupError(f"there is a database {self.into} already: choose another name, or drop it first")

    def restore(self, repository: PgBackRest, choice: Choice, until: str) -> None:
        """Restore the whole cluster aside, and copy what is wanted. Raises BackupError; then nothing is left of it."""
        scratch = Scratch(self.cluster, self.memory_mb)
        with scratch.prepared():
            label = choice.backup.label
            repository.restore(str(scratch.folder), label, until=until, runner=scratch.run_limited, archives=False)
            scratch.start()
            self._copy(scratch)

    def _copy(self, scratch: Scratch) -> None:
        if self.database not in scratch.cluster.databases(scratch.socket):
            raise BackupError(f"the backup has no database {self.database}")
        owner = scratch.sql(OWNER.format(self.database))
        dumped = scratch.folder / "roost.dump"
        only = [f"--table={self.table}"] if self.table else []
        source = [f"--host={scratch.socket}", f"--port={scratch.cluster.port}", f"--dbname={self.database}"]
        program = self.cluster.program
        run_as_postgres([program("pg_dump"), "--format=custom", f"--file={dumped}", *only, *source])
        port = f"--port={self.cluster.port}"
        run_as_postgres([program("createdb"), port, f"--owner={owner}", "--template=template0", self.into])
        try:
            run_as_postgres([program("pg_restore"), port, "--exit-on-error", f"--dbname={self.into}", str(dumped)])
        except BackupError:
            run_as_postgres([program("dropdb"), port, self.into])
            raise
