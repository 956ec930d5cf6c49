"""PostgreSQL answers its applications, refuses everybody else, and is configured and sandboxed as declared."""

import re
import shlex
import time
from pathlib import Path

import pytest
import yaml
from administering import administer, connect
from testinfra.host import Host

VARS = Path(__file__).resolve().parents[3] / "roles" / "postgresql" / "vars" / "main.yml"
ATLAS = 'atlas\'s "secret"'
SHOP = "shop-secret"
WORST_EXPOSURE = 1.5


def service(host: Host) -> str:
    version, cluster = host.check_output("pg_lsclusters --no-header").split()[:2]
    return f"postgresql@{version}-{cluster}"


def wait_until_up(host: Host) -> None:
    deadline = time.monotonic() + 30
    while host.run("pg_isready -q").rc != 0:
        assert time.monotonic() < deadline, "PostgreSQL did not come back"
        time.sleep(0.5)


def test_role_works_in_its_database(host: Host) -> None:
    sql = "CREATE TABLE t (n int); INSERT INTO t VALUES (1); DROP TABLE t; SELECT 'done'"
    assert connect(host, sql, "atlas", ATLAS, "atlas") == (0, "done")
    assert connect(host, sql, "shop-api", SHOP, "shop-api") == (0, "done")


def test_wrong_password_is_refused(host: Host) -> None:
    code, printed = connect(host, "SELECT 1", "atlas", SHOP, "atlas")
    assert code != 0
    assert "password authentication failed" in printed


@pytest.mark.parametrize(("role", "password", "database"), [("shop-api", SHOP, "atlas"), ("atlas", ATLAS, "shop-api")])
def test_foreign_database_is_refused(host: Host, role: str, password: str, database: str) -> None:
    code, printed = connect(host, "SELECT 1", role, password, database)
    assert code != 0
    assert "permission denied for database" in printed


def test_system_users_are_not_administrators(host: Host) -> None:
    result = host.run("cd / && runuser -u nobody -- psql -U postgres -w -c 'SELECT 1'")
    assert result.rc != 0
    assert "Peer authentication failed" in result.stderr


def test_extensions_work(host: Host) -> None:
    sql = "SELECT ST_Distance('POINT(0 0)'::geometry, 'POINT(3 4)'::geometry), similarity('atlas', 'atlas')"
    assert connect(host, sql, "atlas", ATLAS, "atlas") == (0, "5|1")


def test_text_is_unicode_with_a_stable_order(host: Host) -> None:
    assert connect(host, "SHOW server_encoding", "atlas", ATLAS, "atlas") == (0, "UTF8")
    assert connect(host, "SELECT 'Z' < 'a', lower('É')", "atlas", ATLAS, "atlas") == (0, "t|é")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_connections", "60"),
        ("shared_buffers", "240MB"),
        ("effective_cache_size", "480MB"),
        ("work_mem", "4MB"),
        ("maintenance_work_mem", "32MB"),
        ("password_encryption", "scram-sha-256"),
        ("listen_addresses", "127.0.0.1"),
        ("data_checksums", "on"),
        ("max_wal_senders", "7"),
        ("statement_timeout", "45s"),
        ("log_min_duration_statement", "3s"),
    ],
)
def test_setting_is_in_force(host: Host, setting: str, value: str) -> None:
    assert administer(host, f"SHOW {setting}") == value


def test_parallel_workers_are_the_processors(host: Host) -> None:
    assert administer(host, "SHOW max_parallel_workers") == host.check_output("nproc --all")
    assert administer(host, "SHOW autovacuum_max_workers") == "3"
    assert administer(host, "SHOW autovacuum_vacuum_cost_limit") == "600"


def test_a_query_in_parallel_works_in_the_sandbox(host: Host) -> None:
    printed = administer(
        host,
        """
        SET max_parallel_workers_per_gather = 1; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
        SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
        EXPLAIN (ANALYZE, COSTS off) SELECT count(*) FROM pg_attribute""",
    )
    assert "Workers Launched: 1" in printed


@pytest.mark.parametrize(
    ("limit", "atlas", "shop"),
    [
        ("statement_timeout", "5s", "45s"),
        ("lock_timeout", "2s", "0"),
        ("idle_in_transaction_session_timeout", "0", "10min"),
    ],
)
def test_a_role_has_its_own_time_limits_or_the_servers(host: Host, limit: str, atlas: str, shop: str) -> None:
    assert connect(host, f"SHOW {limit}", "atlas", ATLAS, "atlas") == (0, atlas)
    assert connect(host, f"SHOW {limit}", "shop-api", SHOP, "shop-api") == (0, shop)


def test_a_long_statement_is_cancelled_unless_its_session_lifts_the_limit(host: Host) -> None:
    long = "SELECT 'done' FROM pg_sleep(6)"
    code, printed = connect(host, long, "atlas", ATLAS, "atlas")
    assert code != 0
    assert "canceling statement due to statement timeout" in printed
    assert connect(host, long, "atlas", ATLAS, "atlas", options="-c statement_timeout=0") == (0, "done")


def test_every_setting_of_the_files_is_in_force(host: Host) -> None:
    sql = "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL"
    assert administer(host, sql) == ""


def test_settings_are_in_the_file_that_applies_them(host: Host) -> None:
    sql = """
        SELECT declared.sourcefile, declared.name FROM pg_file_settings declared JOIN pg_settings known USING (name)
        WHERE declared.sourcefile LIKE '%/conf.d/roost%'
        AND (declared.sourcefile LIKE '%-startup.conf') <> (known.context = 'postmaster')"""
    assert administer(host, sql) == ""


def test_every_setting_that_needs_a_restart_is_known(host: Host) -> None:
    needing = administer(host, "SELECT name FROM pg_settings WHERE context = 'postmaster'").splitlines()
    known = yaml.safe_load(VARS.read_text())["__postgresql_startup_settings"]
    assert set(needing) <= set(known)


def test_passwords_are_in_no_log(host: Host) -> None:
    for secret in (ATLAS, SHOP, "SCRAM-SHA-256"):
        assert host.run(f"grep -F {shlex.quote(secret)} /var/log/postgresql/*-main.log*").rc == 1


def test_access_rules_are_the_declared_ones(host: Host) -> None:
    sql = "SELECT type, database[1], user_name[1], address, auth_method FROM pg_hba_file_rules"
    assert administer(host, sql).splitlines() == [
        "local|all|postgres||peer",
        "local|all|all||scram-sha-256",
        "host|all|all|127.0.0.1|scram-sha-256",
        "host|all|all|::1|scram-sha-256",
        "hostssl|atlas|atlas|192.0.2.0|scram-sha-256",
    ]


@pytest.mark.parametrize(
    ("file", "line"), [("pg_hba.conf", "host all all 10.0.0.0/99 trust"), ("postgresql.conf", "work_mem = lots")]
)
def test_check_refuses_a_broken_configuration(host: Host, file: str, line: str) -> None:
    version = host.check_output("pg_lsclusters --no-header").split()[0]
    path = f"/etc/postgresql/{version}/main/{file}"
    check = f"/usr/local/lib/roost/postgresql-check {version} main"
    assert host.run(check).rc == 0
    try:
        host.check_output(f"cp -p {path} {path}.kept && echo {shlex.quote(line)} >> {path}")
        assert host.run(check).rc != 0
    finally:
        host.check_output(f"mv {path}.kept {path}")


def test_data_survives_a_kill(host: Host) -> None:
    sql = "CREATE TABLE IF NOT EXISTS kept (n int); TRUNCATE kept; INSERT INTO kept SELECT generate_series(1, 1000)"
    assert connect(host, sql, "atlas", ATLAS, "atlas")[0] == 0
    host.check_output(f"systemctl kill --signal=KILL {service(host)}")
    wait_until_up(host)
    assert connect(host, "SELECT count(*) FROM kept", "atlas", ATLAS, "atlas") == (0, "1000")


def test_a_stopped_cluster_stays_down(host: Host) -> None:
    try:
        host.check_output(f"systemctl stop {service(host)}")
        time.sleep(7)
        assert host.run("pg_isready -q").rc != 0
    finally:
        host.check_output(f"systemctl start {service(host)}")


def test_cluster_starts_with_the_host(host: Host) -> None:
    assert host.service("postgresql").is_enabled
    assert service(host) in host.check_output("systemctl list-dependencies --plain postgresql")


def test_unit_is_sandboxed(host: Host) -> None:
    printed = host.check_output(f"systemd-analyze security --no-pager {service(host)}")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", printed)
    assert exposure is not None
    assert float(exposure[1]) <= WORST_EXPOSURE
