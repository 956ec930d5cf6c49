"""Tests that share a host run on one worker: those of a file, or of a file and a Debian release."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        callspec = getattr(item, "callspec", None)
        releases = (
            [str(value) for value in callspec.params.values() if str(value).startswith("debian")] if callspec else []
        )
        item.add_marker(pytest.mark.xdist_group("-".join([item.path.stem, *releases])))
