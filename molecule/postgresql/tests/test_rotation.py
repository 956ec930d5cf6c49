"""Each role has two logins: amid a rotation both are let in and do all as the role, afterwards the former is not.

The tests go through one rotation, in their order.
"""

from collections.abc import Iterator

import pytest
from administering import administer, connect, converge
from testinfra.host import Host

from tests.support.scenario import play, succeed

DATABASES = [{"name": "park", "owner": "park", "runtime_role": "park_app"}]
FIRST = [
    {"name": "park", "password": "park-secret"},
    {"name": "park_app", "password": "park-app-secret", "lock_timeout": 3},
]
SECOND = [
    {"name": "park"},
    {"name": "park_app", "lock_timeout": 3},
    {"name": "park-2", "password": "park-new", "acts_as": "park"},
    {"name": "park_app-2", "password": "park-app-new", "acts_as": "park_app", "lock_timeout": 3},
]
OWNERS = (("park", "park-secret", "park"), ("park-2", "park-new", "park"))
RUNTIMES = (("park_app", "park-app-secret", "park"), ("park_app-2", "park-app-new", "park"))
FORMER = [{"role": role, "application": "park"} for role in ("park", "park_app")]


@pytest.fixture(scope="module")
def switching(host: Host) -> Iterator[None]:
    """The host amid a rotation: the new passwords are set, and nothing has taken the former ones away."""
    administer(host, "ALTER ROLE park_app SET work_mem = '7MB';\nALTER ROLE park_app IN DATABASE park SET jit = off;")
    assert succeed(converge(host, postgresql_roles=SECOND, postgresql_databases=DATABASES)) == 1
    assert succeed(converge(host, postgresql_roles=SECOND, postgresql_databases=DATABASES)) == 0
    yield
    administer(host, "ALTER ROLE park_app RESET work_mem;\nALTER ROLE park_app IN DATABASE park RESET jit;")
    administer(host, "DROP TABLE IF EXISTS paths, ponds;", "park")
    administer(host, 'DROP ROLE IF EXISTS "park-2";\nDROP ROLE IF EXISTS "park_app-2";')
    succeed(converge(host))


def shut(host: Host, *in_use: dict[str, str]) -> tuple[int, str]:
    """Shut the former logins; the number of changes, and what was said."""
    run = play(host, "former.yml", postgresql_former_logins=FORMER, postgresql_logins_in_use=list(in_use))
    return succeed(run), " ".join((run.stdout + run.stderr).split())


@pytest.mark.usefixtures("switching")
def test_both_logins_work_and_what_either_makes_is_the_owners(host: Host) -> None:
    for owner, table in zip(OWNERS, ("paths", "ponds"), strict=True):
        assert connect(host, f"CREATE TABLE {table} (n int)", *owner) == (0, "")
    made = "SELECT tableowner, current_user FROM pg_tables WHERE tablename IN ('paths', 'ponds')"
    assert [connect(host, made, *owner) for owner in OWNERS] == [(0, "park|park\npark|park")] * 2
    for runtime in RUNTIMES:
        rows = "INSERT INTO paths VALUES (1); INSERT INTO ponds VALUES (1) RETURNING current_user"
        assert connect(host, rows, *runtime) == (0, "park_app")
        assert connect(host, "DROP TABLE paths", *runtime)[0] != 0
    assert connect(host, "RESET ROLE; ALTER TABLE paths ADD m int; DROP TABLE ponds", *OWNERS[1]) == (0, "")


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize(
    ("setting", "value"), [("lock_timeout", "3s"), ("work_mem", "7MB"), ("jit", "off"), ("search_path", "park, public")]
)
def test_both_logins_have_the_settings_of_the_role(host: Host, setting: str, value: str) -> None:
    for runtime in RUNTIMES:
        assert connect(host, f"SHOW {setting}", *runtime) == (0, value)


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize("sql", ["SET ROLE park", "CREATE TABLE y (n int)", "CREATE ROLE y", 'SET ROLE "park-2"'])
def test_the_second_login_may_no_more_than_the_role(host: Host, sql: str) -> None:
    for setup in ("", "RESET ROLE; ", "SET ROLE NONE; "):
        code, printed = connect(host, setup + sql, *RUNTIMES[1])
        assert code != 0
        assert "permission denied" in printed


@pytest.mark.usefixtures("switching")
def test_the_owner_sees_the_sessions_of_the_second_login_and_ends_them(host: Host) -> None:
    role, password, database = RUNTIMES[1]
    session = f"PGPASSWORD={password} psql -h 127.0.0.1 -U {role} -d {database} -c 'SELECT pg_sleep(300)'"
    host.check_output(f"({session} >/dev/null 2>&1 &) && sleep 1")
    sql = "SELECT query, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'park_app-2'"
    assert connect(host, sql, *OWNERS[1]) == (0, "SELECT pg_sleep(300)|t")


@pytest.mark.usefixtures("switching")
def test_the_former_logins_are_refused_once_nothing_uses_them(host: Host) -> None:
    session = "PGPASSWORD=park-app-secret psql -h 127.0.0.1 -U park_app -d park -c 'SELECT pg_sleep(300)'"
    host.check_output(f"({session} >/dev/null 2>&1 &) && sleep 1")
    try:
        changed, told = shut(host, {"role": "park", "application": "park", "by": "commands on vm1"})
        assert changed == 0
        assert "park (commands on vm1)" in told
        assert "from 127.0.0.1" in told
        assert [connect(host, "SELECT 1", *login) for login in (OWNERS[0], RUNTIMES[0])] == [(0, "1")] * 2
    finally:
        administer(host, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'park_app'")
    assert shut(host)[0] == 1
    assert shut(host)[0] == 0
    for login in (OWNERS[0], RUNTIMES[0]):
        code, printed = connect(host, "SELECT 1", *login)
        assert code != 0
        assert "not permitted to log in" in printed or "password authentication failed" in printed
    assert [connect(host, "SELECT 1", *login) for login in (OWNERS[1], RUNTIMES[1])] == [(0, "1")] * 2
    assert succeed(converge(host, postgresql_roles=SECOND, postgresql_databases=DATABASES)) == 0
    assert shut(host)[0] == 0


@pytest.mark.usefixtures("switching")
def test_the_next_rotation_leads_back_to_the_first_logins(host: Host) -> None:
    shut(host)
    assert succeed(converge(host, postgresql_roles=FIRST, postgresql_databases=DATABASES)) == 1
    assert [connect(host, "SELECT current_user", *login)[1] for login in (*OWNERS, *RUNTIMES)] == [
        *["park"] * 2,
        *["park_app"] * 2,
    ]
