"""PgBouncer lets each user into its own database only, shares few connections, and stays in its sandbox."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

CONVERGE = Path(__file__).resolve().parents[1] / "converge.yml"
PASSWORD: str = yaml.safe_load(CONVERGE.read_text())[0]["vars"]["secret"]
SLOWLY_WHO = "SELECT pg_backend_pid() FROM pg_sleep(0.5)"
WORST_EXPOSURE = 1.5


def psql(host: Host, database: str, sql: str, given: str = PASSWORD) -> str:
    """What psql prints for a command that the user atlas sends through PgBouncer."""
    command = f"psql -XAtq -h 127.0.0.1 -p 6432 -U atlas -d {database} -c {shlex.quote(sql)}"
    result = host.run(f"PGPASSWORD={shlex.quote(given)} {command}")
    return str(result.stdout + result.stderr).strip()


def admin(host: Host, command: str) -> str:
    return str(host.check_output(f"runuser -u postgres -- psql -XAtq -p 6432 -U pgbouncer -c '{command}' pgbouncer"))


def test_password_opens(host: Host) -> None:
    assert psql(host, "atlas", "SELECT current_user") == "atlas"


def test_wrong_password_is_refused(host: Host) -> None:
    assert "SASL authentication failed" in psql(host, "atlas", "SELECT 1", given="guess")


def test_a_user_reaches_no_other_database(host: Host) -> None:
    assert "failed" in psql(host, "borea", "SELECT 1")


def test_other_users_cannot_read_the_passwords(host: Host) -> None:
    path = "/etc/pgbouncer/roost-users.txt"
    assert host.run(f"runuser -u nobody -- cat {path}").rc != 0
    assert host.run(f"runuser -u postgres -- cat {path}").rc == 0


def test_the_administrator_is_postgres_alone(host: Host) -> None:
    assert "atlas" in admin(host, "SHOW DATABASES")
    assert (
        host.run("runuser -u nobody -- psql -p 6432 -h /run/postgresql -U pgbouncer -c 'SHOW POOLS' pgbouncer").rc != 0
    )


@pytest.mark.parametrize(("user", "password"), [("atlas", PASSWORD), ("borea", f"{PASSWORD}2")])
def test_many_clients_share_few_connections(host: Host, user: str, password: str) -> None:
    asking = f"psql -XAtq -h 127.0.0.1 -p 6432 -U {user} -d {user} -c {shlex.quote(SLOWLY_WHO)}"
    many = f"for n in 1 2 3 4 5 6; do {asking} & done; wait"
    processes = host.check_output(f"export PGPASSWORD={shlex.quote(password)}; {many}").split()
    assert len(processes) == 6
    assert len(set(processes)) <= 2


def test_the_users_of_a_database_share_its_connections(host: Host) -> None:
    asking = "psql -XAtq -h 127.0.0.1 -p 6432 -d atlas -c " + shlex.quote(SLOWLY_WHO)
    logins = [("atlas", PASSWORD), ("atlas_app", f"{PASSWORD}3")]
    each = [f"PGPASSWORD={shlex.quote(password)} {asking} -U {user} &" for user, password in logins * 3]
    most = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'atlas'"
    count = f"sleep 0.3; runuser -u postgres -- psql -XAtq -c {shlex.quote(most)} >&2; wait"
    result = host.run(f"cd /; {' '.join(each)} {count}")
    assert len(result.stdout.split()) == 6
    assert 1 <= int(result.stderr) <= 2


def test_a_second_login_acts_as_its_role_in_a_connection_that_is_used_again(host: Host) -> None:
    who = "SELECT session_user, current_user, pg_backend_pid()"
    asking = f"psql -XAtq -h 127.0.0.1 -p 6432 -U borea-2 -d borea -c {shlex.quote(who)}"
    first, second = host.check_output(f"export PGPASSWORD={shlex.quote(PASSWORD)}4; {asking} && {asking}").splitlines()
    assert first == second
    assert first.startswith("borea-2|borea|")


def test_each_database_has_its_mode(host: Host) -> None:
    pools = {line.split("|")[0]: line.split("|") for line in admin(host, "SHOW POOLS").splitlines()}
    assert "transaction" in pools["atlas"]
    assert "session" in pools["borea"]


def test_prepared_statements_work_where_the_version_knows_them(host: Host) -> None:
    settings = dict(line.split("|")[:2] for line in admin(host, "SHOW CONFIG").splitlines())
    assert settings.get("max_prepared_statements") == (None if host.system_info.release.startswith("12") else "200")


def test_service_starts_with_the_host(host: Host) -> None:
    assert host.service("pgbouncer").is_enabled
    assert host.service("pgbouncer").is_running


def test_unit_is_sandboxed(host: Host) -> None:
    printed = host.check_output("systemd-analyze security --no-pager pgbouncer")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", printed)
    assert exposure is not None
    assert float(exposure[1]) <= WORST_EXPOSURE


def test_a_configuration_that_does_not_start_is_refused(host: Host) -> None:
    host.check_output("cp -a /etc/pgbouncer/roost.ini /root/ && echo 'pool_modus = x' >> /etc/pgbouncer/roost.ini")
    checked = host.run("/usr/local/lib/roost/pgbouncer-check")
    host.check_output("mv /root/roost.ini /etc/pgbouncer/roost.ini && /usr/local/lib/roost/pgbouncer-check")
    assert checked.rc != 0
    assert "pool_modus" in checked.stderr
