"""A number in PostgreSQL."""

import os
from typing import Any

import psycopg

CREATE = """
    CREATE TABLE IF NOT EXISTS counter (id integer PRIMARY KEY CHECK (id = 1), value bigint NOT NULL);
    INSERT INTO counter VALUES (1, 0) ON CONFLICT DO NOTHING
"""


def connect() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ.get("DATABASE_URL", "postgresql:///memo"), connect_timeout=3)


def create() -> None:
    with connect() as connection:
        connection.execute(CREATE)


def read() -> int:
    return _number("SELECT value FROM counter")


def add(amount: int) -> int:
    return _number("UPDATE counter SET value = value + %s RETURNING value", amount)


def _number(query: str, *parameters: int) -> int:
    with connect() as connection:
        row = connection.execute(query, parameters or None).fetchone()
    if row is None:
        raise psycopg.DataError("there is no counter: run `flask --app memo init-db`")
    return int(row[0])
