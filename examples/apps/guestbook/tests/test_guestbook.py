from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from guestbook import app, entries


class Book:
    """Stands for the table in PostgreSQL."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def newest(self, most: int = 50) -> list[dict[str, Any]]:
        return self.rows[::-1][:most]

    def read(self, number: int) -> dict[str, Any] | None:
        return next((row for row in self.rows if row["id"] == number), None)

    def add(self, name: str, text: str) -> dict[str, Any]:
        self.rows.append({"id": len(self.rows) + 1, "name": name, "text": text, "written": "2026-01-01T00:00:00Z"})
        return self.rows[-1]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    book = Book()
    for name in ("newest", "read", "add"):
        monkeypatch.setattr(entries, name, getattr(book, name))
    return app.test_client()


def test_what_is_written_can_be_read(client: FlaskClient) -> None:
    written = client.post("/api/entries/", json={"name": " Ada ", "text": "Lovely place."})
    assert written.status_code == 201
    assert written.json["name"] == "Ada"
    assert client.get("/api/entries/").json == [written.json]
    assert client.get("/api/entries/1/").json == written.json
    assert client.get("/api/entries/2/").status_code == 404


@pytest.mark.parametrize("said", [{}, {"name": "Ada", "text": " "}, {"name": "A" * 61, "text": "Hello"}])
def test_an_empty_or_long_entry_is_refused(client: FlaskClient, said: dict[str, str]) -> None:
    assert client.post("/api/entries/", json=said).status_code == 400
    assert client.get("/api/entries/").json == []


def test_health_fails_without_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/").status_code == 200

    def fail(_most: int) -> list[dict[str, Any]]:
        raise psycopg.OperationalError("password for user guestbook")

    monkeypatch.setattr(entries, "newest", fail)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert "password" not in answer.text
