"""What visitors wrote, in PostgreSQL."""

import os
from typing import Any

import psycopg
from psycopg.rows import dict_row

CREATE = """
    CREATE TABLE IF NOT EXISTS entries (
        id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        text text NOT NULL,
        written timestamptz NOT NULL DEFAULT now()
    )
"""
COLUMNS = "id, name, text, to_char(written AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS written"


def create() -> None:
    with _connect() as connection:
        connection.execute(CREATE)


def newest(most: int = 50) -> list[dict[str, Any]]:
    return _query(f"SELECT {COLUMNS} FROM entries ORDER BY id DESC LIMIT %s", most)


def read(number: int) -> dict[str, Any] | None:
    return next(iter(_query(f"SELECT {COLUMNS} FROM entries WHERE id = %s", number)), None)


def add(name: str, text: str) -> dict[str, Any]:
    return _query(f"INSERT INTO entries (name, text) VALUES (%s, %s) RETURNING {COLUMNS}", name, text)[0]


def _connect() -> psycopg.Connection[dict[str, Any]]:
    url = os.environ.get("DATABASE_URL", "postgresql:///guestbook")
    return psycopg.connect(url, connect_timeout=3, row_factory=dict_row)


def _query(statement: str, *parameters: object) -> list[dict[str, Any]]:
    with _connect() as connection:
        return connection.execute(statement, parameters).fetchall()
