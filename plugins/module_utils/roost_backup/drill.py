"""A restore that is tried out: does what lies in the repository become a database again, how fast, and what is lost?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.roost_backup.choice import choose
from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest
from ansible.module_utils.roost_backup.scratch import Scratch

TABLES = """
    SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables ORDER BY pg_relation_size(relid) DESC LIMIT 20
"""


@dataclass
class Drill:
    """One drill, from the repository that is farthest away. `assertions` maps databases to SQL that must say true."""

    cluster: Cluster
    repository: PgBackRest
    broken: Sequence[str]
    assertions: Mapping[str, Sequence[str]]
    memory_mb: int
    checks: list[str] = field(default_factory=list)

    def do(self) -> dict[str, Any]:
        """Restore, replay, check, and clean up. Returns how it went. Raises BackupError if a backup is no good."""
        repository = self.repository.look()
        backup = choose({self.repository.name: repository}, self.broken).backup
        committed = self.cluster.last_commit() if self.cluster.is_up() else time.time()
        scratch = Scratch(self.cluster, self.memory_mb)
        began = time.monotonic()
        with scratch.prepared():
            self.repository.restore(str(scratch.folder), backup.label, runner=scratch.run_limited, archives=False)
            scratch.start()
            seconds = round(time.monotonic() - began)
            lost = max(0, round(committed - scratch.cluster.last_commit(scratch.socket)))
            self._examine(scratch)
        return {
            "backup": backup.label,
            "repository": self.repository.name,
            "rto_seconds": seconds,
            "rpo_seconds": lost,
            "checks": self.checks,
        }

    def _examine(self, scratch: Scratch) -> None:
        databases = [name for name in scratch.cluster.databases(scratch.socket) if name != "postgres"]
        for database in databases:
            self._count(scratch, database)
        self._amcheck(scratch)
        for database, statements in self.assertions.items():
            for statement in statements:
                self._assert(scratch, database, statement)

    def _count(self, scratch: Scratch, database: str) -> None:
        tables = scratch.sql(TABLES, database).splitlines()
        # format('%I.%I') has quoted the names.
        rows = sum(int(scratch.sql(f"SELECT count(*) FROM {table}", database)) for table in tables)  # noqa: S608
        self.checks.append(f"{database}: {rows} rows in its {len(tables)} largest tables can be read")

    def _amcheck(self, scratch: Scratch) -> None:
        where = [f"--host={scratch.socket}", f"--port={scratch.cluster.port}"]
        scratch.run_limited([scratch.real.program("pg_amcheck"), "--all", "--install-missing", *where])
        self.checks.append("pg_amcheck finds no damage in any table or index")

    def _assert(self, scratch: Scratch, database: str, statement: str) -> None:
        answer = scratch.sql(statement, database)
        if answer != "t":
            raise BackupError(f"in the restored {database}, `{statement}` says {answer or 'nothing'} instead of true")
        self.checks.append(f"{database}: {statement}")
