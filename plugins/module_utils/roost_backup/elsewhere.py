"""A database on a server elsewhere, reached with the login of its URL."""

from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.roost_backup.commands import run
from ansible.module_utils.roost_backup.url import connection

PATIENCE_SECONDS = "5"


@dataclass(frozen=True)
class Elsewhere:
    """The database of a URL."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which PostgreSQL's programs reach it."""
        return {"PGCONNECT_TIMEOUT": PATIENCE_SECONDS, **connection(self.url)}

    def sql(self, text: str, database: str = "") -> str:
        """Run SQL, in another database of the server if one is named, and return what it prints. Raises BackupError."""
        place = {"PGDATABASE": database} if database else {}
        argv = ["psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", f"--command={text}"]
        return run(argv, environment={**self.environment, **place}).strip()
