"""The hosts of a scenario are tested side by side: one worker each, which keeps the order of the tests."""

import re

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if host := re.search(r"molecule\d+", item.name):
            item.add_marker(pytest.mark.xdist_group(host[0]))
