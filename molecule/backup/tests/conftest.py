"""What the tests of this scenario have in common."""

import pytest
from backups import Backups
from testinfra.host import Host

ONLY_ON = {"databases_by_sftp": "molecule13", "older_pgbackrest": "molecule12"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have each host tested for what its pgBackRest can."""
    items[:] = [item for item in items if all(host in item.name for host in _only_on(item))]


def _only_on(item: pytest.Item) -> list[str]:
    return [ONLY_ON[name] for name in getattr(item, "fixturenames", ()) if name in ONLY_ON]


@pytest.fixture
def backups(host: Host) -> Backups:
    return Backups(host)


@pytest.fixture
def rows(backups: Backups) -> int:
    """How many rows there are in a table of the application."""
    backups.sql("CREATE TABLE IF NOT EXISTS entry (id serial PRIMARY KEY, text text)")
    backups.sql("INSERT INTO entry (text) SELECT repeat('x', 100) FROM generate_series(1, 1000)")
    return int(backups.sql("SELECT count(*) FROM entry"))
