"""Where the tests of config_tree work."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.config_tree.host import Host

MEMORY = Path("/dev/shm")  # noqa: S108 - only its presence is asked for


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty directory, in memory if possible: these tests make thousands of files."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as path:
        yield Path(path)


@pytest.fixture
def host(folder: Path) -> Host:
    return Host(folder)
