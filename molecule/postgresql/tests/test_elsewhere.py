"""What an administrator without all rights makes on a server elsewhere, what is seen of it, and what is dumped."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.support.scenario import play, succeed

PORT = 5433
OWNER = ("grove", "grove-secret")
RUNTIME = ("grove_app", 'grove\'s "app" secret')


def provider(host: Host, sql: str, database: str = "postgres") -> str:
    """What SQL of the provider prints, who alone is a superuser there."""
    arguments = f"-XAtq -v ON_ERROR_STOP=1 --port={PORT} -d {database} -c {shlex.quote(sql)}"
    return str(host.check_output(f"cd / && runuser -u postgres -- psql {arguments}"))


def connect(host: Host, sql: str, role: str, password: str, *, ssl: str = "require") -> tuple[int, str]:
    """psql's exit code and output, of a role in the database grove."""
    login = f"PGPASSWORD={shlex.quote(password)} PGSSLMODE={ssl} psql -h 127.0.0.1 -p {PORT} -U {role} -d grove"
    result = host.run(f"{login} -XAtq -v ON_ERROR_STOP=1 -c {shlex.quote(sql)}")
    return result.rc, (result.stdout + result.stderr).strip()


def converge(host: Host) -> int:
    """Bring what is declared elsewhere to its state once more, and return how much changed."""
    return succeed(play(host, "elsewhere.yml"))


@pytest.fixture
def trees(host: Host) -> Iterator[None]:
    """What a release command has made."""
    assert connect(host, "CREATE TABLE trees (id serial, name text)", *OWNER) == (0, "")
    yield
    assert connect(host, "DROP TABLE trees", *OWNER)[0] == 0


def test_nobody_needs_to_be_a_superuser(host: Host) -> None:
    powers = "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
    assert provider(host, powers).splitlines() == [
        "grove|f|f|f",
        "grove_app|f|f|f",
        "hedge|f|f|f",
        "postgres|t|t|t",
        "provider|f|t|t",
    ]
    assert provider(host, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'grove'") == "grove"


def test_it_is_reached_over_tls_alone(host: Host) -> None:
    assert connect(host, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", *OWNER) == (0, "t")
    code, printed = connect(host, "SELECT 1", *OWNER, ssl="disable")
    assert code != 0
    assert "no encryption" in printed


@pytest.mark.usefixtures("trees")
@pytest.mark.parametrize(
    ("sql", "printed"),
    [
        ("INSERT INTO trees (name) VALUES ('oak') RETURNING id", "1"),
        ("SELECT similarity('oak', 'oak'), 'Oak'::citext = 'oak'", "1|t"),
        ("SHOW lock_timeout", "3s"),
        ("SHOW search_path", "grove, public"),
    ],
)
def test_the_runtime_role_works_with_rows(host: Host, sql: str, printed: str) -> None:
    assert connect(host, sql, *RUNTIME) == (0, printed)


@pytest.mark.usefixtures("trees")
@pytest.mark.parametrize(
    "sql", ["CREATE TABLE public.y (n int)", "DROP TABLE trees", "TRUNCATE trees", "SET ROLE grove", "CREATE SCHEMA y"]
)
def test_the_runtime_role_changes_nothing(host: Host, sql: str) -> None:
    assert connect(host, sql, *RUNTIME)[0] != 0


def test_roles_of_another_application_are_kept_out(host: Host) -> None:
    code, printed = connect(host, "SELECT 1", "hedge", "hedge-secret")
    assert code != 0
    assert "permission denied for database" in printed


@pytest.mark.usefixtures("trees")
def test_only_what_differs_is_changed(host: Host) -> None:
    assert converge(host) == 0
    provider(host, "ALTER ROLE grove PASSWORD 'another'")
    provider(host, "ALTER ROLE grove_app RESET lock_timeout; REVOKE grove_app FROM grove GRANTED BY provider")
    provider(host, "DROP EXTENSION citext; REVOKE USAGE ON SCHEMA public FROM grove_app", "grove")
    assert converge(host) == 1
    assert connect(host, "SELECT 'Oak'::citext = 'oak'", *OWNER) == (0, "t")
    assert connect(host, "SHOW lock_timeout; SELECT count(*) FROM trees", *RUNTIME) == (0, "3s\n0")
    assert converge(host) == 0


def test_the_servers_log_has_no_password(host: Host) -> None:
    provider(host, "ALTER SYSTEM SET log_statement = 'all'")
    provider(host, "SELECT pg_reload_conf()")
    try:
        provider(host, "ALTER ROLE hedge PASSWORD 'another'")
        assert converge(host) == 1
    finally:
        provider(host, "ALTER SYSTEM RESET log_statement")
        provider(host, "SELECT pg_reload_conf()")
    log = host.check_output("cat /var/log/postgresql/postgresql-*-provider.log")
    assert "ALTER ROLE" in log
    assert "hedge-secret" not in log


def looked(host: Host, *logins: tuple[str, str]) -> list[dict[str, Any]]:
    """What is reported of the database grove, for each login."""
    urls = [f"postgresql://{role}:{password}@127.0.0.1:{PORT}/grove?sslmode=require" for role, password in logins]
    databases = [{"name": role, "url": url} for (role, _), url in zip(logins, urls, strict=True)]
    run = play(host, "report_elsewhere.yml", databases=databases)
    succeed(run)
    assert "grove-secret" not in run.stdout
    found: list[dict[str, Any]] = json.loads(host.check_output("cat /run/elsewhere.json"))
    return found


@pytest.mark.usefixtures("trees")
def test_a_report_tells_what_it_may_see_and_what_it_may_not(host: Host) -> None:
    connect(host, "CREATE TABLE hidden (id serial); REVOKE ALL ON hidden, hidden_id_seq FROM grove_app", *OWNER)
    connect(host, "GRANT REFERENCES ON hidden TO grove_app; SELECT nextval('hidden_id_seq')", *OWNER)
    try:
        provider(host, "GRANT pg_read_all_stats TO provider")
        logins = [("provider", "pro%2Fvider"), ("grove_app", "grove%27s%20%22app%22%20secret"), ("grove", "wrong")]
        everything, little, nothing = looked(host, *logins)
    finally:
        connect(host, "DROP TABLE hidden", *OWNER)
        provider(host, "REVOKE pg_read_all_stats FROM provider")
    for found in (everything, little):
        (database,) = found["databases"]
        assert (found["problem"], database["problem"], database["name"]) == ("", "", found["name"])
        assert database["bytes"] > 1_000_000
        assert found["server"]["max_connections"] == 100
    assert everything["left_out"] == []
    assert little["left_out"] == [
        "what other roles do (GRANT pg_read_all_stats TO grove_app)",
        "wasted space of 1 table that grove_app may not read",
    ]
    assert nothing["problem"].endswith('password authentication failed for user "grove"')


def test_a_dump_comes_back_beside_the_database(host: Host) -> None:
    connect(host, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n", *OWNER)
    try:
        url = f"postgresql://grove:grove-secret@127.0.0.1:{PORT}/grove?sslmode=require"
        run = play(host, "dump_elsewhere.yml", databases=[{"name": "grove", "url": url, "dumps": 1}])
        succeed(run)
        assert "grove-secret" not in run.stdout
    finally:
        connect(host, "DROP TABLE kept", *OWNER)
    (dump,) = host.check_output("ls /var/backups/roost/databases").split()
    admin = f"PGPASSWORD=pro/vider PGSSLMODE=require PGHOST=127.0.0.1 PGPORT={PORT} PGUSER=provider"
    host.check_output(f"{admin} createdb --owner=grove grove_before")
    try:
        host.check_output(
            f"{admin} pg_restore --exit-on-error --no-owner --no-acl --role=grove --dbname=grove_before "
            f"/var/backups/roost/databases/{dump}"
        )
        assert provider(host, "SELECT count(*) FROM kept", "grove_before") == "1000"
    finally:
        provider(host, "DROP DATABASE grove_before")
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_dumps.prom").content_string
    assert "roost_dumps_failed 0" in metrics
