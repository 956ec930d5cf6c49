"""The tests use a file of SQLite unless TEST_DATABASE_URL names a database, and the real migrations."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

folder = tempfile.TemporaryDirectory()
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", f"sqlite:///{folder.name}/pulse.sqlite")
os.environ["HEARTBEAT_SECONDS"] = "0.2"

import pytest  # noqa: E402
from alembic import command  # noqa: E402
from alembic.config import Config  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

from pulse.main import app  # noqa: E402

ALEMBIC = Config(Path(__file__).parents[1] / "alembic.ini")


@pytest.fixture
def client() -> Iterator[TestClient]:
    command.upgrade(ALEMBIC, "head")
    with TestClient(app) as started:
        yield started
    command.downgrade(ALEMBIC, "base")
