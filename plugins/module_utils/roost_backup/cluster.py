"""The PostgreSQL cluster of this host."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup.commands import run, run_as_postgres
from ansible.module_utils.roost_backup.errors import BackupError

# What pg_last_committed_xact() knows is gone after a restart.
LAST_COMMIT = """
    SELECT coalesce(extract(epoch FROM max(pg_xact_commit_timestamp((id % 4294967296)::text::xid))), 0)
    FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS snapshot,
    LATERAL generate_series(greatest(next - 1000, 3), next - 1) AS id
"""
SYSTEM_ID = "SELECT system_identifier FROM pg_control_system()"
OWN_DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY datname"
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Cluster:
    """A cluster as Debian lays it out."""

    version: str
    port: int
    name: str = "main"

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return Path(f"/var/lib/postgresql/{self.version}/{self.name}")

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return f"postgresql@{self.version}-{self.name}.service"

    @property
    def archiving(self) -> int:
        """How many files of the WAL wait for being archived."""
        return len(list((self.data / "pg_wal" / "archive_status").glob("*.ready")))

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return f"/usr/lib/postgresql/{self.version}/bin/{name}"

    def sql(self, text: str, database: str = "postgres", socket: str = "") -> str:
        """Run SQL as the administrator and return what it prints. Raises BackupError with what is wrong."""
        where = [f"--host={socket}"] if socket else []
        argv = [self.program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", *where, f"--port={self.port}"]
        return run_as_postgres([*argv, f"--dbname={database}", f"--command={text}"]).strip()

    def databases(self, socket: str = "") -> list[str]:
        """Return the names of all databases that accept connections."""
        return self.sql(OWN_DATABASES, socket=socket).splitlines()

    def system_id(self) -> int:
        """Return the number that tells this cluster from all others."""
        return int(self.sql(SYSTEM_ID))

    def last_commit(self, socket: str = "") -> float:
        """Return the time of the last commit, in seconds since the epoch; 0 if none of the last thousand is known."""
        return float(self.sql(LAST_COMMIT, socket=socket) or 0)

    def is_up(self, socket: str = "") -> bool:
        """Tell whether the cluster answers."""
        try:
            return bool(self.sql("SELECT 1", socket=socket))
        except BackupError:
            return False

    def start(self) -> None:
        """Start it."""
        run(["systemctl", "start", self.unit])

    def stop(self) -> None:
        """Stop it; a cluster that is down already is fine."""
        run(["systemctl", "stop", self.unit])

    def wait_until_open(self, seconds: float) -> None:
        """Wait until it has replayed its archive and takes writes. Raises BackupError if it dies before."""
        deadline = time.monotonic() + seconds
        while True:
            state = run(["systemctl", "show", "--property=ActiveState", "--value", self.unit]).strip()
            if state in {"failed", "inactive"}:
                raise BackupError(f"PostgreSQL did not start from what was restored:\n{self._log()}")
            if self.is_up() and self.sql("SELECT pg_is_in_recovery()") == "f":
                return
            if time.monotonic() > deadline:
                raise BackupError(f"PostgreSQL did not end its recovery within {seconds:g} s")
            time.sleep(POLL_SECONDS)

    def wait_until_archived(self, seconds: float = 120) -> None:
        """Wait until all full files of the WAL are archived. Raises BackupError if that takes longer."""
        deadline = time.monotonic() + seconds
        while self.archiving:
            if time.monotonic() > deadline:
                raise BackupError(f"{self.archiving} files of the WAL can't be archived")
            time.sleep(POLL_SECONDS)

    def _log(self) -> str:
        file = Path(f"/var/log/postgresql/postgresql-{self.version}-{self.name}.log")
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
        return "\n".join([line for line in lines if "FATAL" in line or "PANIC" in line][-3:] or lines[-3:])


def find_cluster() -> Cluster:
    """Return this host's cluster named main, of the newest version. Raises BackupError if there is none."""
    listed = [line.split() for line in run(["pg_lsclusters", "--no-header"]).splitlines()]
    found = [Cluster(version=fields[0], port=int(fields[2])) for fields in listed if fields[1] == "main"]
    if not found:
        raise BackupError("this host has no cluster of PostgreSQL that is named main")
    return max(found, key=lambda cluster: int(cluster.version))
