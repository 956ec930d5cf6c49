"""Questions to PostgreSQL that change nothing."""

from __future__ import annotations

import json
from typing import Any, Protocol

# An application owns the schema public of its database: no function of its making may be called by the administrator.
# The questions are kept out of the statistics that they ask for, and give up rather than wait for a lock.
SESSION = """
    SET transaction_read_only = on;
    SET search_path = pg_catalog;
    SET lock_timeout = '3s';
    SET statement_timeout = '60s';
    DO $$ BEGIN
        IF current_setting('is_superuser')::bool THEN SET pg_stat_statements.track = 'none'; END IF;
    END $$;
"""


class Server(Protocol):
    """What can be asked."""

    def sql(self, text: str, database: str = ...) -> str:
        """Run SQL and return what it prints. Raises BackupError."""


def answer(server: Server, query: str, database: str = "postgres") -> Any:
    """Return the one JSON value that a query returns. Raises BackupError if it can't be asked."""
    return json.loads(server.sql(SESSION + query, database))


def rows_of(query: str) -> str:
    """Return an SQL expression: the rows of the query as a JSON array of objects."""
    return f"(SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM ({query}) AS found)"


def full_name(schema: str, name: str) -> str:
    """Return an SQL expression: a name as SQL has it, without the schema if that is public."""
    return f"CASE {schema} WHEN 'public' THEN '' ELSE quote_ident({schema}) || '.' END || quote_ident({name})"
