"""Which tests one worker runs, one after the other: those of a file (or of a file and a release) share a host.

The journey of a release is gone on once, for the tests of two files.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.journey import Journey, journey_on

OF_THE_JOURNEY = ("test_journey.py", "test_killed_runs.py")


@pytest.fixture(scope="session", params=["debian12", "debian13"])
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with journey_on(request.param, tmp_path_factory.mktemp(request.param)) as host:
        yield host


class HostScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        file = "the journey" if file.endswith(OF_THE_JOURNEY) else file
        release = re.search(r"debian\d+", nodeid)
        return f"{file} {release[0]}" if release else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> HostScheduling:
    return HostScheduling(config, log)
