from collections.abc import Iterator

import psycopg
import pytest
from flask.testing import FlaskClient

from memo import app, counter


class Number:
    """Stands for the row in PostgreSQL."""

    value = 0

    def read(self) -> int:
        return self.value

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    number = Number()
    monkeypatch.setattr(counter, "read", number.read)
    monkeypatch.setattr(counter, "add", number.add)
    with app.test_client() as started:
        yield started


def test_counts_through_the_api(client: FlaskClient) -> None:
    assert client.post("/api/counter/").json == {"value": 1}
    assert client.get("/api/counter/").json == {"value": 1}


def test_counts_through_the_page_and_knows_whose_it_was(client: FlaskClient) -> None:
    client.post("/api/counter/")
    answer = client.post("/", follow_redirects=True)
    assert '<p class="value">2</p>' in answer.text
    assert "1 of these was yours" in answer.text
    assert client.get("/static/memo.css").status_code == 200


def test_health_fails_without_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/").status_code == 200

    def fail() -> int:
        raise psycopg.OperationalError("password for user memo")

    monkeypatch.setattr(counter, "read", fail)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert "password" not in answer.text
