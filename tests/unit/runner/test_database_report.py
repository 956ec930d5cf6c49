"""`roost database`: what it shows of a report, and what it says deserves attention."""

import copy
from typing import Any

import pytest

from roost.database_report import DatabaseCollector, database_line, sections, server_line
from roost.database_troubles import troubles
from roost.events import Status
from tests.unit.runner import result

HOUR, DAY = 3600, 86400
MIB, GIB = 2**20, 2**30
SESSION: dict[str, Any] = {
    "pid": 42,
    "role": "atlas",
    "application": "gunicorn",
    "state": "active",
    "transaction_seconds": 3,
    "state_seconds": 3,
}
TABLE: dict[str, Any] = {
    "name": "orders",
    "live": 1_140_000,
    "dead": 860_000,
    "share": 0.43,
    "vacuum_seconds_ago": 9 * DAY + HOUR,
    "autovacuum_seconds_ago": 20 * DAY,
    "analyze_seconds_ago": None,
}
BLOAT: dict[str, Any] = {"name": "orders_at", "bytes": 2 * GIB, "wasted_bytes": int(1.2 * GIB), "share": 0.6}
UNUSED: dict[str, Any] = {"name": "orders_note", "table": "orders", "bytes": 64 * MIB}
SEQUENCE: dict[str, Any] = {
    "table": "orders",
    "column": "id",
    "name": "orders_id_seq",
    "identity": False,
    "type": "integer",
    "last": 1_700_000_000,
    "share": 0.792,
}
STATEMENT: dict[str, Any] = {
    "query": "SELECT $1",
    "calls": 1200,
    "rows": 1200,
    "total_seconds": 4000.5,
    "mean_milliseconds": 3333.75,
}
WELL: dict[str, Any] = {
    "server": {
        "version": 17,
        "connections": 12,
        "max_connections": 100,
        "autovacuum": True,
        "autovacuum_freeze_max_age": 200_000_000,
        "oldest_xid": {"database": "atlas", "age": 24_000_000, "left": 2_120_483_647},
        "slots": [],
        "prepared": [],
    },
    "databases": [
        {
            "name": "atlas",
            "bytes": 3 * GIB,
            "connections": 11,
            "blocks_hit": 9_980_000,
            "blocks_read": 20_000,
            "counted_seconds": 30 * DAY,
            "xid_age": 24_000_000,
            "xid_left": 2_120_483_647,
            "sessions": [SESSION],
            "dead_rows": [TABLE | {"dead": 900, "share": 0.001}],
            "wasted_in_tables": [BLOAT | {"wasted_bytes": 9 * MIB, "share": 0.01}],
            "wasted_in_indexes": [],
            "invalid_indexes": [],
            "unused_indexes": [UNUSED | {"bytes": 8192}],
            "sequences": [],
            "statements": None,
            "problem": "",
        }
    ],
}


def with_server(**changes: Any) -> dict[str, Any]:
    return WELL | {"server": WELL["server"] | changes}


def with_database(**changes: Any) -> dict[str, Any]:
    return WELL | {"databases": [WELL["databases"][0] | changes]}


def test_what_is_well_is_told_in_two_lines() -> None:
    assert list(troubles(WELL)) == []
    assert list(sections(WELL["databases"][0])) == []
    assert server_line(WELL["server"]) == (
        "PostgreSQL 17, 12 of 100 connections, oldest transaction number at 12 % of autovacuum_freeze_max_age, "
        "2,120,483,647 before writes stop"
    )
    assert database_line(WELL["databases"][0]) == (
        "3.0 GiB, 11 connections, 99.8 % of blocks from the cache, oldest transaction 3 s"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"connections": 80}, "80 of 100 connections are used; see pg_stat_activity, or raise postgresql.max_conn"),
        ({"autovacuum": False}, "autovacuum is off, and tables will grow without end; remove it from postgresql.sett"),
        (
            {"oldest_xid": {"database": "old", "age": 310_000_000, "left": 1_834_483_647}},
            "old: its oldest transaction number is at 155 % of autovacuum_freeze_max_age, and writes stop after "
            "1,834,483,647 more transactions; vacuumdb --freeze old",
        ),
        (
            {"autovacuum_freeze_max_age": 2 * 10**9, "oldest_xid": {"database": "a", "age": 2**31 - 1, "left": -9}},
            "a: its oldest transaction number is at 107 % of autovacuum_freeze_max_age, and writes stop after 0 more",
        ),
        (
            {"slots": [{"name": "it's", "active": False, "state": "extended", "held_bytes": 2 * GIB}]},
            "the replication slot it's holds 2.0 GiB of WAL for a reader that is away; bring it back, or "
            "SELECT pg_drop_replication_slot('it''s')",
        ),
        (
            {"slots": [{"name": "s", "active": True, "state": "reserved", "held_bytes": 2 * GIB}]},
            "the replication slot s holds 2.0 GiB of WAL, because its reader is behind; look why",
        ),
        (
            {"slots": [{"name": "s", "active": False, "state": "lost", "held_bytes": 0}]},
            "the replication slot s has lost WAL that its reader needs; SELECT pg_drop_replication_slot('s')",
        ),
        (
            {"prepared": [{"name": "p1", "database": "atlas", "seconds": 3 * HOUR}]},
            "atlas: the prepared transaction 'p1' is open for 3 h and keeps VACUUM from removing dead rows; "
            "ROLLBACK PREPARED 'p1'",
        ),
    ],
)
def test_the_server_deserves_attention(changes: dict[str, Any], told: str) -> None:
    (trouble,) = troubles(with_server(**changes))
    assert trouble.startswith(told)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"problem": "lock timeout"}, "not everything could be looked at: lock timeout"),
        (
            {"sessions": [SESSION | {"state": "idle in transaction (aborted)", "state_seconds": 20 * 60}]},
            "session 42 (atlas, gunicorn) is idle in a transaction for 20 min and keeps VACUUM from removing dead "
            "rows; SELECT pg_terminate_backend(42)",
        ),
        (
            {"sessions": [SESSION | {"transaction_seconds": 3 * HOUR, "application": ""}]},
            "session 42 (atlas) is in a transaction for 3 h and keeps VACUUM from removing dead rows; "
            "SELECT pg_terminate_backend(42) if it hangs",
        ),
        ({"blocks_read": 9_980_000}, "only 50 % of the blocks come from the cache; raise postgresql.memory_share"),
        (
            {"dead_rows": [TABLE]},
            "table orders has 43 % dead rows and was last vacuumed 9 days ago; VACUUM (ANALYZE) orders",
        ),
        (
            {"dead_rows": [TABLE | {"vacuum_seconds_ago": None, "autovacuum_seconds_ago": None}]},
            "table orders has 43 % dead rows and was never vacuumed; VACUUM (ANALYZE) orders",
        ),
        (
            {"wasted_in_tables": [BLOAT | {"name": "orders"}]},
            "table orders wastes about 1.2 GiB of 2.0 GiB; new rows will fill it, or VACUUM (FULL, ANALYZE) orders, ",
        ),
        (
            {"wasted_in_indexes": [BLOAT]},
            "index orders_at wastes about 1.2 GiB of 2.0 GiB; REINDEX INDEX CONCURRENTLY orders_at",
        ),
        (
            {"invalid_indexes": [{"name": "orders_at", "bytes": 0}]},
            "index orders_at is invalid: it costs time, and no query uses it; REINDEX INDEX CONCURRENTLY orders_at",
        ),
        (
            {"unused_indexes": [UNUSED]},
            "index orders_note of orders (64.0 MiB) was never used in 30 days; if no replica uses it either, "
            "DROP INDEX CONCURRENTLY orders_note",
        ),
        (
            {"unused_indexes": [UNUSED], "counted_seconds": None},
            "index orders_note of orders (64.0 MiB) was never used; ",
        ),
        (
            {"sequences": [SEQUENCE]},
            "the sequence of orders.id (integer) is at 79 % of its range; ALTER SEQUENCE orders_id_seq AS bigint, and "
            "ALTER TABLE orders ALTER COLUMN id TYPE bigint",
        ),
        (
            {"sequences": [SEQUENCE | {"identity": True}]},
            "the sequence of orders.id (integer) is at 79 % of its range; ALTER TABLE orders ALTER COLUMN id TYPE",
        ),
    ],
)
def test_a_database_deserves_attention(changes: dict[str, Any], told: str) -> None:
    (trouble,) = troubles(with_database(**changes))
    assert trouble.startswith(f"atlas: {told}")


@pytest.mark.parametrize(
    "changes",
    [
        {"dead_rows": [TABLE | {"dead": 9999}]},
        {"dead_rows": [TABLE | {"share": 0.29}]},
        {"wasted_in_indexes": [BLOAT | {"wasted_bytes": 99 * MIB}]},
        {"wasted_in_indexes": [BLOAT | {"share": 0.49}]},
        {"unused_indexes": [UNUSED], "counted_seconds": 6 * DAY},
        {"blocks_hit": 0, "blocks_read": 900_000},
        {"blocks_hit": 0, "blocks_read": 0},
        {"sessions": [SESSION | {"state": "idle in transaction", "state_seconds": 9 * 60}]},
    ],
)
def test_little_things_deserve_none(changes: dict[str, Any]) -> None:
    assert list(troubles(with_database(**changes))) == []


def test_tables_follow() -> None:
    database = with_database(
        dead_rows=[TABLE],
        wasted_in_tables=[BLOAT],
        wasted_in_indexes=[BLOAT | {"name": "i"}],
        unused_indexes=[UNUSED],
        statements=[STATEMENT],
    )["databases"][0]
    dead, wasted, unused, statements = sections(database)
    assert dead.rows == (("orders", "1,140,000", "860,000", "43 %", "9 days ago", "never"),)
    assert wasted.rows == (("orders_at", "2.0 GiB", "1.2 GiB", "60 %"), ("i", "2.0 GiB", "1.2 GiB", "60 %"))
    assert unused.rows == (("orders_note", "orders", "64.0 MiB"),)
    assert statements.rows == (("SELECT $1", "1,200", "1,200", "3,333.8 ms", "4,000.5 s"),)


def test_slots_and_idle_sessions_are_counted() -> None:
    slots = [{"name": "standby", "active": True, "state": "reserved", "held_bytes": 16 * MIB}]
    assert server_line(WELL["server"] | {"slots": slots}).endswith(", slot standby holds 16.0 MiB of WAL")
    idle = SESSION | {"state": "idle in transaction"}
    assert database_line(WELL["databases"][0] | {"sessions": [SESSION, idle]}).endswith(", 1 idle in transaction")


def test_the_collector_keeps_what_the_module_returned() -> None:
    collector = DatabaseCollector()
    collector(result("postgresql_report", {"report": WELL}, Status.OK))
    collector(result("postgresql_report", {"msg": "no cluster"}, Status.FAILED))
    collector(result("postgresql_objects", {"report": {}}, Status.OK))
    assert collector.hosts == {"vm1": WELL}


def test_telling_leaves_the_report_as_it_is() -> None:
    before = copy.deepcopy(WELL)
    assert list(troubles(WELL)) == list(sections(WELL["databases"][0])) == []
    assert before == WELL
