import json
import logging

import pytest
from alembic import command
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from pulse import health, live
from pulse.database import driver_url
from pulse.logs import JsonFormatter
from tests.conftest import ALEMBIC


def test_page_shows_readings_and_names_its_files(client: TestClient) -> None:
    client.post("/api/readings/", json={"sensor": "<attic>", "value": 21.5})
    page = client.get("/").text
    assert "&lt;attic&gt;" in page
    for path in ("/static/pulse.css", "/static/pulse.js", "/static/icon.svg"):
        assert path in page
        assert client.get(path).status_code == 200


def test_reading_is_stored_and_listed(client: TestClient) -> None:
    answer = client.post("/api/readings/", json={"sensor": "cellar", "value": 4})
    assert answer.status_code == 201
    assert client.get("/api/readings/").json() == [answer.json()]


@pytest.mark.parametrize("reading", [{}, {"sensor": "", "value": 1}, {"sensor": "x", "value": "warm"}])
def test_bad_reading_is_refused(client: TestClient, reading: dict[str, object]) -> None:
    assert client.post("/api/readings/", json=reading).status_code == 422


def test_slow_answer_is_bounded(client: TestClient) -> None:
    assert client.get("/slow/?seconds=0").json() == {"slept": 0}
    assert client.get("/slow/?seconds=21").status_code == 422


def test_websocket_echoes_in_order_with_heartbeats(client: TestClient) -> None:
    with client.websocket_connect("/ws/") as socket:
        assert socket.receive_json()["type"] == "hello"
        socket.send_text("one")
        assert socket.receive_json() == {"type": "echo", "sequence": 1, "text": "one"}
        assert socket.receive_json() == {"type": "heartbeat", "sequence": 2}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_events_count_the_readings(client: TestClient) -> None:
    client.post("/api/readings/", json={"sensor": "cellar", "value": 4})
    stream = live.events(every=0.2)
    first, second = await anext(stream), await anext(stream)
    assert (first.event, first.id, second.id) == ("summary", "1", "2")
    assert first.data["readings"] == 1


def test_health_fails_without_database(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/").json()["status"] == "ok"

    def fail() -> None:
        raise OperationalError("connect", {}, Exception("password for user pulse"))

    monkeypatch.setattr(health, "open_session", fail)
    answer = client.get("/health/")
    assert answer.status_code == 503
    assert "password" not in answer.text


def test_models_and_migrations_agree(client: TestClient) -> None:
    command.check(ALEMBIC)


def test_plain_url_gets_the_driver() -> None:
    assert (
        driver_url("postgresql://a:b%2Fc@db/x").render_as_string(False) == "postgresql+psycopg://a:b%2Fc@db/x"
    )


def test_log_line_is_one_json_object() -> None:
    record = logging.makeLogRecord({"msg": "hello %s", "args": ("you",), "status": 200})
    line = json.loads(JsonFormatter().format(record))
    assert (line["message"], line["status"]) == ("hello you", 200)
