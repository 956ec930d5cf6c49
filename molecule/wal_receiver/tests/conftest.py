"""What the tests of this scenario have in common."""

import os

import pytest
import testinfra
from pair import Pair, until
from testinfra.host import Host


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have molecule13 alone test both hosts."""
    items[:] = [item for item in items if "molecule13" in item.name or "pair" not in getattr(item, "fixturenames", ())]


@pytest.fixture
def pair(host: Host) -> Pair:
    """Both hosts, of which this one receives, when commits wait."""
    server = testinfra.get_host("ssh://molecule12", ssh_config=f"{os.environ['ROOST_SANDBOX_DIR']}/ssh_config")
    found = Pair(server, host)
    until(found.waits)
    return found
