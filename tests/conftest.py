"""Which tests one worker runs, one after the other: those of a file (or of a file and a release) share a host."""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class HostScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        release = re.search(r"debian\d+", nodeid)
        return f"{file} {release[0]}" if release else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> HostScheduling:
    return HostScheduling(config, log)
