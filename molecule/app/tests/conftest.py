"""What the tests of this scenario have in common."""

import shutil
from pathlib import Path

import pytest

from tests.support.scenario import SCENARIO


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source that the test may change."""
    return Path(shutil.copytree(SCENARIO / "files" / "site", tmp_path / "site"))
