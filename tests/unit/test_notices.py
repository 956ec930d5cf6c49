"""Sentry, Slack and webhooks are told over real HTTP, and no message of ours holds an address or a token."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from roost.notices import NoticeError, tell

FACTS = {
    "ROOST_APP": "atlas",
    "ROOST_KIND": "deploy",
    "ROOST_RELEASE": "3f2a9c1d7e55",
    "ROOST_VERSION": "v2",
    "ROOST_COMMIT": "3" * 40,
    "ROOST_WHO": "anna@laptop",
    "ROOST_WHEN": "2026-01-01T00:00:00Z",
    "ROOST_ENVIRONMENT": "prod",
    "ROOST_URL": "https://atlas.example.com/",
    "ROOST_REASON": "",
}


@dataclass
class Receiver:
    """What a server was asked: path, headers and body of each request."""

    url: str
    status: int = 200
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append((self.path, dict(self.headers), body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def test_slack_learns_what_went_live_and_what_failed(receiver: Receiver) -> None:
    for facts in (FACTS, FACTS | {"ROOST_REASON": "not healthy"}):
        tell({"kind": "slack", "url": receiver.url + "hook"}, facts)
    assert receiver.bodies() == [
        {"text": "atlas prod: deploy of 3f2a9c1d7e55 (v2) by anna@laptop is live at https://atlas.example.com/"},
        {"text": "atlas prod: deploy of 3f2a9c1d7e55 (v2) by anna@laptop failed: not healthy"},
    ]


def test_a_webhook_is_signed(receiver: Receiver) -> None:
    tell({"kind": "webhook", "url": receiver.url, "key": "k3y"}, FACTS)
    ((_, headers, body),) = receiver.requests
    assert headers["X-Roost-Signature"] == "sha256=" + hmac.new(b"k3y", body, hashlib.sha256).hexdigest()
    assert json.loads(body)["release"] == "3f2a9c1d7e55"


def test_sentry_learns_of_the_release_its_commit_and_the_deploy(receiver: Receiver) -> None:
    notice = {"kind": "sentry", "url": receiver.url, "organization": "acme", "project": "atlas", "token": "t0ken"}
    tell(notice, FACTS)
    assert [path for path, _, _ in receiver.requests] == [
        "/api/0/organizations/acme/releases/",
        f"/api/0/organizations/acme/releases/{'3' * 40}/deploys/",
    ]
    assert {headers["Authorization"] for _, headers, _ in receiver.requests} == {"Bearer t0ken"}
    release, deploy = receiver.bodies()
    assert (release["version"], release["ref"], release["projects"]) == ("3" * 40, "3" * 40, ["atlas"])
    assert (deploy["environment"], deploy["name"]) == ("prod", "3f2a9c1d7e55")
    tell(notice, FACTS | {"ROOST_REASON": "not healthy"})
    assert len(receiver.requests) == 2


def test_a_refusal_tells_no_secret(receiver: Receiver) -> None:
    receiver.status = 404
    with pytest.raises(NoticeError) as raised:
        tell({"kind": "slack", "url": receiver.url + "s3cret"}, FACTS)
    assert str(raised.value) == "slack answered with status 404"
    with pytest.raises(NoticeError) as raised:
        tell({"kind": "slack", "url": "http://127.0.0.1:9/s3cret"}, FACTS)
    assert str(raised.value) == "slack could not be reached"
    with pytest.raises(NoticeError, match="is no URL"):
        tell({"kind": "webhook", "url": "file:///etc/passwd"}, FACTS)
