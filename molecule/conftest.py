"""Which tests of a scenario one worker runs, one after the other: those of a host. Both hosts are tested at once."""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class HostScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        host = re.search(r"molecule\d+", nodeid)
        return host[0] if host else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> HostScheduling:
    return HostScheduling(config, log)
