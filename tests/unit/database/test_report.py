"""Which databases are looked into, and what becomes of one that can't be; the queries are tried by molecule."""

import json
from typing import Any

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.inside import NOTHING

from tests.support.modules import load_module

module = load_module("postgresql_report")


class Server:
    """It has databases, all empty; those in `closed` can't be asked."""

    extension: str | None = None
    closed: tuple[str, ...] = ()

    def sql(self, text: str, database: str = "postgres") -> str:
        assert "transaction_read_only = on" in text
        assert "search_path = pg_catalog" in text
        if database in self.closed:
            raise BackupError("ERROR:  canceling statement due to lock timeout\nLINE 1: SELECT")
        if "pg_replication_slots" in text:
            return json.dumps({"version": 17, "databases": [{"name": name} for name in ("atlas", "old", "postgres")]})
        if "pg_extension" in text:
            return json.dumps({"schema": self.extension})
        if "total_exec_time" in text:
            assert f"FROM {self.extension}.pg_stat_statements" in text
            return json.dumps([{"query": "SELECT  'x'", "calls": 3}])
        return json.dumps(NOTHING)


def databases(server: Server, name: str = "") -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in module.report(server, name)["databases"]}


def test_all_databases_but_the_administrators_are_looked_into() -> None:
    assert list(databases(Server())) == ["atlas", "old"]
    assert list(databases(Server(), "postgres")) == ["postgres"]
    with pytest.raises(BackupError, match="no database atals; there are: atlas, old, postgres"):
        databases(Server(), "atals")


def test_one_that_can_not_be_asked_hides_no_other() -> None:
    server = Server()
    server.closed = ("atlas",)
    found = databases(server)
    assert found["atlas"] == {
        "name": "atlas",
        **NOTHING,
        "statements": None,
        "problem": "canceling statement due to lock timeout",
    }
    assert found["old"]["problem"] == ""


def test_statements_are_asked_for_only_where_the_extension_is() -> None:
    server = Server()
    assert databases(server)["atlas"]["statements"] is None
    server.extension = '"Odd"'
    assert databases(server)["atlas"]["statements"] == [{"query": "SELECT '?'", "calls": 3}]
