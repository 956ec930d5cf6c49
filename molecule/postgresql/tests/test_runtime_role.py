"""A runtime role works with the rows of whatever the owner makes, before or after it, and makes and changes nothing."""

from collections.abc import Iterator

import pytest
from administering import administer, connect, converge
from testinfra.host import Host

from tests.support.scenario import succeed

OWNER = ("park", "park-secret", "park")
RUNTIME = ("park_app", "park-app-secret", "park")
MADE = """
    CREATE TABLE trees (id serial PRIMARY KEY, name text);
    CREATE VIEW named AS SELECT name FROM trees;
    CREATE SCHEMA park;
    CREATE TABLE park.benches (n int GENERATED ALWAYS AS IDENTITY, name text);
    CREATE PROCEDURE plant(planted text) LANGUAGE sql AS 'INSERT INTO public.trees (name) VALUES (planted)';
    REVOKE EXECUTE ON PROCEDURE plant FROM PUBLIC"""
LEFT_BY_THE_OWNER = (
    "DROP SCHEMA IF EXISTS park CASCADE; DROP TABLE IF EXISTS trees CASCADE; DROP PROCEDURE IF EXISTS plant"
)


@pytest.fixture
def made(host: Host) -> Iterator[None]:
    """What a release command has made, as the owner."""
    assert connect(host, MADE, *OWNER) == (0, "")
    yield
    assert connect(host, f"SET client_min_messages = warning; {LEFT_BY_THE_OWNER}", *OWNER)[0] == 0


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("sql", "printed"),
    [
        ("INSERT INTO trees (name) VALUES ('oak') RETURNING id", "1"),
        ("UPDATE trees SET name = 'elm'; DELETE FROM trees; SELECT count(*) FROM named", "0"),
        ("CALL plant('ash'); SELECT name FROM named", "ash"),
        ("SELECT setval('trees_id_seq', 9), nextval('trees_id_seq')", "9|10"),
        ("INSERT INTO benches (name) VALUES ('by the pond') RETURNING n", "1"),
        ("CREATE TEMPORARY TABLE picked (n int); SELECT count(*) FROM picked", "0"),
        ("SELECT count(*) > 0 FROM spatial_ref_sys", "t"),
        ("SHOW lock_timeout", "3s"),
        ("SHOW search_path", "park, public"),
    ],
)
def test_it_works_with_what_the_owner_makes(host: Host, sql: str, printed: str) -> None:
    assert connect(host, sql, *RUNTIME) == (0, printed)


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE y (n int)",
        "CREATE TABLE public.y (n int)",
        "CREATE SCHEMA y",
        "CREATE EXTENSION pg_trgm",
        "ALTER TABLE trees ADD COLUMN n int",
        "CREATE INDEX ON trees (name)",
        "TRUNCATE trees",
        "DROP TABLE trees",
        "SET ROLE park",
        "CREATE ROLE y",
    ],
)
def test_it_makes_and_changes_nothing(host: Host, sql: str) -> None:
    code, printed = connect(host, sql, *RUNTIME)
    assert code != 0
    assert "permission denied" in printed or "must be owner of" in printed


@pytest.mark.usefixtures("made")
def test_it_can_pass_no_right_on(host: Host) -> None:
    connect(host, "GRANT SELECT ON trees TO PUBLIC", *RUNTIME)
    acl = administer(host, "SELECT relacl FROM pg_class WHERE relname = 'trees'", "park")
    assert "{=" not in acl
    assert ",=" not in acl


def test_the_owner_has_no_time_limit_of_its(host: Host) -> None:
    assert connect(host, "SHOW lock_timeout", *OWNER) == (0, "0")


def test_the_owner_sees_its_sessions_and_ends_them(host: Host) -> None:
    role, password, database = RUNTIME
    session = f"PGPASSWORD={password} psql -h 127.0.0.1 -U {role} -d {database} -c 'SELECT pg_sleep(300)'"
    host.check_output(f"({session} >/dev/null 2>&1 &) && sleep 1")
    sql = "SELECT query, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'park_app'"
    assert connect(host, sql, *OWNER) == (0, "SELECT pg_sleep(300)|t")


@pytest.mark.usefixtures("made")
def test_what_migrations_give_and_take_stays(host: Host) -> None:
    assert connect(host, "REVOKE DELETE ON trees FROM park_app; GRANT TRUNCATE ON trees TO park_app", *OWNER)[0] == 0
    assert succeed(converge(host)) == 0
    assert connect(host, "TRUNCATE trees", *RUNTIME)[0] == 0
    assert connect(host, "DELETE FROM trees", *RUNTIME)[0] != 0


@pytest.mark.usefixtures("made")
def test_a_role_that_was_there_before_is_brought_to_its_rights(host: Host) -> None:
    administer(
        host,
        """
        REASSIGN OWNED BY park_app TO park;
        DROP OWNED BY park_app;
        DROP ROLE park_app;
        CREATE ROLE park_app LOGIN CREATEDB IN ROLE park;
        GRANT CREATE ON SCHEMA public TO park_app;
        CREATE TABLE lent (n int);
        GRANT SELECT ON lent TO park;""",
        "park",
    )
    try:
        assert succeed(converge(host)) == 1
        assert connect(host, "SELECT count(*) FROM trees, benches", *RUNTIME) == (0, "0")
        assert connect(host, "CREATE TABLE public.y (n int)", *RUNTIME)[0] != 0
        assert connect(host, "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'park_app'", *RUNTIME) == (0, "f")
        assert connect(host, "SET ROLE park", *RUNTIME)[0] != 0
        run = converge(host)
        assert succeed(run) == 0
        assert "public.lent of postgres" in " ".join((run.stdout + run.stderr).split())
    finally:
        administer(host, "DROP TABLE lent", "park")


@pytest.mark.usefixtures("made")
def test_a_dump_comes_back_beside_it_with_its_rights(host: Host) -> None:
    programs = "pg_dump --format=custom park >/tmp/park.dump && createdb --owner=park beside"
    restore = "pg_restore --exit-on-error --dbname=beside /tmp/park.dump"
    try:
        host.check_output(f"cd / && runuser -u postgres -- sh -c '{programs} && {restore}'")
        administer(host, "GRANT CONNECT ON DATABASE beside TO park_app")
        assert connect(host, "SELECT count(*) FROM trees", *RUNTIME[:2], "beside") == (0, "0")
    finally:
        administer(host, "DROP DATABASE IF EXISTS beside WITH (FORCE)")
        host.check_output("rm -f /tmp/park.dump")
