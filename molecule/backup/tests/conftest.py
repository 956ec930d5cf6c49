"""What the tests of this scenario have in common."""

import pytest
from backups import Backups
from testinfra.host import Host


@pytest.fixture
def backups(host: Host) -> Backups:
    return Backups(host)


@pytest.fixture
def rows(backups: Backups) -> int:
    """How many rows there are in a table of the application."""
    backups.sql("CREATE TABLE IF NOT EXISTS entry (id serial PRIMARY KEY, text text)")
    backups.sql("INSERT INTO entry (text) SELECT repeat('x', 100) FROM generate_series(1, 1000)")
    return int(backups.sql("SELECT count(*) FROM entry"))
