"""What shall go is told of until a run says so; then it goes, after a last dump, and only if nothing else is lost."""

from collections.abc import Iterator
from typing import Any

import pytest
from administering import administer, converge
from testinfra.host import Host

from tests.support.scenario import play, succeed

FOLDER = "/var/backups/roost/removed-databases"


def databases(host: Host) -> list[str]:
    return administer(host, "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").splitlines()


@pytest.fixture
def gone(host: Host) -> Iterator[None]:
    """A database that nobody declares any more, with its owner."""
    administer(host, "CREATE ROLE gone LOGIN;\nCREATE DATABASE gone OWNER gone;")
    administer(host, "SET ROLE gone;\nCREATE TABLE kept AS SELECT generate_series(1, 1000) AS n;", "gone")
    yield
    host.check_output(f"rm -rf {FOLDER}")
    administer(host, "DROP DATABASE IF EXISTS gone WITH (FORCE);\nDROP ROLE IF EXISTS gone;")


@pytest.mark.usefixtures("gone")
def test_without_a_word_it_is_only_told_of(host: Host) -> None:
    run = converge(host)
    assert succeed(run) == 0
    told = " ".join((run.stdout + run.stderr).split())
    assert "to be removed: the database gone, the role gone" in told
    assert "postgresql_remove=true" in told
    assert "gone" in databases(host)


@pytest.mark.usefixtures("gone")
def test_it_goes_with_its_sessions_and_leaves_a_dump(host: Host) -> None:
    session = "cd / && (runuser -u postgres -- psql -q -d gone -c 'SELECT pg_sleep(300)' >/dev/null 2>&1 &) && sleep 1"
    host.check_output(session)
    assert succeed(converge(host, postgresql_remove=True)) == 1
    assert "gone" not in databases(host)
    assert administer(host, "SELECT count(*) FROM pg_roles WHERE rolname = 'gone'") == "0"
    assert host.check_output(f"stat -c '%U %a' {FOLDER}") == "postgres 700"

    administer(host, "CREATE ROLE gone LOGIN;\nCREATE DATABASE gone OWNER gone;")
    host.check_output(f"cd / && runuser -u postgres -- sh -c 'pg_restore --dbname=gone {FOLDER}/gone-*.dump'")
    assert administer(host, "SELECT count(*) FROM kept", "gone") == "1000"


@pytest.mark.usefixtures("gone")
def test_a_runtime_role_goes_with_its_database(host: Host) -> None:
    served = [{"name": "gone", "owner": "gone", "runtime_role": "gone_app"}]
    roles = [{"name": name, "password": "secret"} for name in ("gone", "gone_app")]
    nothing: dict[str, Any] = {"postgresql_removed_databases": [], "postgresql_removed_roles": []}
    assert succeed(converge(host, postgresql_databases=served, postgresql_roles=roles, **nothing)) == 1
    going = {"postgresql_removed_roles": ["gone", "gone_app"], "postgresql_remove": True}
    assert succeed(converge(host, **going)) == 1
    assert administer(host, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'gone%'") == "0"


def test_what_is_gone_changes_nothing(host: Host) -> None:
    assert succeed(converge(host, postgresql_remove=True)) == 0
    assert not host.file(FOLDER).exists


@pytest.mark.usefixtures("gone")
def test_nothing_goes_while_its_owner_owns_more(host: Host) -> None:
    administer(host, "CREATE TABLE more (n int);\nALTER TABLE more OWNER TO gone;", "atlas")
    try:
        run = converge(host, postgresql_remove=True)
        assert run.returncode != 0
        assert "the role gone still has table public.more in atlas" in " ".join(run.stdout.split())
        assert "gone" in databases(host)
        assert not host.file(FOLDER).exists
    finally:
        administer(host, "DROP TABLE more", "atlas")


@pytest.mark.usefixtures("gone")
def test_a_database_that_can_not_be_dumped_stays_and_is_open(host: Host) -> None:
    host.check_output("mkdir -p /var/backups/roost && touch " + FOLDER)
    try:
        assert converge(host, postgresql_remove=True).returncode != 0
        assert administer(host, "SELECT datconnlimit FROM pg_database WHERE datname = 'gone'") == "-1"
        assert administer(host, "SELECT count(*) FROM kept", "gone") == "1000"
    finally:
        host.check_output(f"rm -f {FOLDER}")


def test_what_is_declared_is_never_removed(host: Host) -> None:
    run = play(host, "converge.yml", postgresql_removed_databases=["atlas"], postgresql_remove=True)
    assert run.returncode != 0
    assert "atlas is declared and to be removed" in " ".join(run.stdout.split())
    assert "atlas" in databases(host)
