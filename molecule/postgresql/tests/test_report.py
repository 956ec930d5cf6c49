"""The report finds what is wrong in a database that was spoilt on purpose, on each version of PostgreSQL."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from administering import administer
from testinfra.host import Host

from tests.support.scenario import play, succeed

SPOILT = """
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA "Odd";
CREATE TABLE "Odd"."Big One" (id int GENERATED ALWAYS AS IDENTITY, n int) WITH (autovacuum_enabled = off);
INSERT INTO "Odd"."Big One" (n) SELECT generate_series(1, 500000);
CREATE INDEX big_n ON "Odd"."Big One" (n);
DELETE FROM "Odd"."Big One" WHERE n % 5 <> 0;
VACUUM ANALYZE "Odd"."Big One";
CREATE TABLE sound (n int) WITH (autovacuum_enabled = off);
INSERT INTO sound SELECT generate_series(1, 500000);
CREATE INDEX sound_n ON sound (n);
VACUUM ANALYZE sound;
CREATE TABLE orders (id serial, n int) WITH (autovacuum_enabled = off);
INSERT INTO orders (n) SELECT generate_series(1, 40000);
UPDATE orders SET n = 0;
SELECT setval('orders_id_seq', 2000000000);
ALTER ROLE spoilt PASSWORD 'hunter2';
SELECT pg_create_physical_replication_slot('forgotten', true);
"""


@contextmanager
def left_open(host: Host, name: str, sql: str) -> Iterator[None]:
    """A session in the spoilt database that has begun a transaction and doesn't end it."""
    script = f"(echo '{sql}'; sleep 300) | runuser -u postgres -- psql -q -d spoilt"
    host.check_output(f'systemd-run --quiet --collect --unit={name} sh -c "{script}" && sleep 2')
    try:
        yield
    finally:
        host.check_output(f"systemctl stop {name}")


@pytest.fixture(scope="module")
def spoilt(host: Host) -> Iterator[None]:
    """A database of many troubles, with a session that does nothing in its transaction."""
    administer(host, "CREATE ROLE spoilt;\nCREATE DATABASE spoilt;")
    try:
        administer(host, SPOILT, "spoilt")
        administer(host, "CREATE TABLE twice (n int);\nINSERT INTO twice VALUES (1), (1);", "spoilt")
        with pytest.raises(AssertionError):
            administer(host, "CREATE UNIQUE INDEX CONCURRENTLY twice_n ON twice (n);", "spoilt")
        with left_open(host, "idle", "BEGIN; SELECT txid_current();"):
            yield
    finally:
        administer(host, "SELECT pg_drop_replication_slot('forgotten');\nDROP DATABASE spoilt WITH (FORCE);")
        administer(host, "DROP ROLE spoilt;")


def found(host: Host) -> dict[str, Any]:
    """The report, with its databases by name."""
    succeed(play(host, "report.yml"))
    report: dict[str, Any] = json.loads(host.check_output("cat /run/report.json"))
    return {**report, "databases": {database["name"]: database for database in report["databases"]}}


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


@pytest.mark.usefixtures("spoilt")
def test_the_report_finds_what_is_wrong(host: Host) -> None:
    report = found(host)
    server, spoilt = report["server"], report["databases"]["spoilt"]
    assert names(server["slots"]) == ["forgotten"]
    assert server["oldest_xid"]["age"] + server["oldest_xid"]["left"] == 2**31 - 1 - 3_000_000
    assert spoilt["problem"] == ""
    (session,) = spoilt["sessions"]
    assert (session["state"], session["role"]) == ("idle in transaction", "postgres")
    dead = {table["name"]: table for table in spoilt["dead_rows"]}
    assert (dead["orders"]["dead"], dead["orders"]["share"]) == (40_000, 0.5)
    assert dead["orders"]["vacuum_seconds_ago"] is None
    for wasted, name in (("wasted_in_tables", '"Odd"."Big One"'), ("wasted_in_indexes", '"Odd".big_n')):
        (bloated,) = [row for row in spoilt[wasted] if row["share"] > 0.3]
        assert bloated["name"] == name
        assert bloated["share"] == pytest.approx(0.8, abs=0.03)
    assert names(spoilt["invalid_indexes"]) == ["twice_n"]
    assert names(spoilt["unused_indexes"])[:2] == ['"Odd".big_n', "sound_n"]
    (sequence,) = spoilt["sequences"]
    assert (sequence["table"], sequence["column"], sequence["name"]) == ("orders", "id", "orders_id_seq")
    assert sequence["share"] == 0.931


@pytest.mark.usefixtures("spoilt")
def test_slow_statements_are_shown_without_literals(host: Host) -> None:
    statements = found(host)["databases"]["spoilt"]["statements"]
    queries = [statement["query"] for statement in statements]
    assert 'INSERT INTO "Odd"."Big One" (n) SELECT generate_series($1, $2)' in queries
    assert not any("hunter2" in query or "pg_stat_user_tables" in query for query in queries)
    assert statements[0]["total_seconds"] >= statements[-1]["total_seconds"] > 0


def test_a_database_without_the_extension_has_no_statements(host: Host) -> None:
    databases = found(host)["databases"]
    assert databases["shop-api"]["statements"] is None
    assert databases["shop-api"]["problem"] == ""
    assert "postgres" not in databases


def test_nothing_of_an_application_is_run_by_the_administrator(host: Host) -> None:
    trap = """
        SET ROLE atlas;
        CREATE TABLE trapped (n int);
        CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql
            AS 'INSERT INTO public.trapped VALUES (1); SELECT $1::text';
    """
    try:
        administer(host, trap, "atlas")
        assert found(host)["databases"]["atlas"]["problem"] == ""
        assert administer(host, "SELECT count(*) FROM trapped", "atlas") == "0"
    finally:
        administer(host, "DROP TABLE trapped;\nDROP FUNCTION public.quote_ident(name);", "atlas")


@pytest.mark.usefixtures("spoilt")
def test_what_is_locked_holds_the_report_up_for_seconds_and_hides_no_other_database(host: Host) -> None:
    with left_open(host, "locking", "BEGIN; DROP INDEX sound_n;"):
        databases = found(host)["databases"]
    assert databases["spoilt"]["problem"] == "canceling statement due to lock timeout"
    assert databases["atlas"]["problem"] == ""
