"""The probe that goes before a certificate authority, with real servers on this machine."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
sys.path.insert(0, str(PLUGINS / "module_utils"))

from acme_probe import obstacle, unresolved  # noqa: E402  (the path above comes first)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


class Redirecting(Quiet):
    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", f"https://{self.headers['Host']}{self.path}")
        self.end_headers()


@contextmanager
def serving(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@pytest.fixture
def webroot(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    return folder


def test_nothing_is_in_the_way_and_nothing_is_left_behind(webroot: Path) -> None:
    with serving(webroot) as port:
        assert obstacle(("127.0.0.1",), webroot, port) is None
    assert list(webroot.rglob("roost-*")) == []


def test_another_server_is_told(webroot: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    with serving(elsewhere) as port:
        found = obstacle(("127.0.0.1",), webroot, port)
    assert found == "127.0.0.1: another server answers at 127.0.0.1 (status 404). Point 127.0.0.1 to this host."


def test_a_redirect_says_nothing(webroot: Path) -> None:
    with serving(webroot, Redirecting) as port:
        assert obstacle(("127.0.0.1",), webroot, port) is None


def test_a_closed_port_is_told(webroot: Path) -> None:
    with serving(webroot) as port:
        pass
    found = obstacle(("127.0.0.1",), webroot, port) or ""
    assert found.startswith(f"127.0.0.1: port {port} of 127.0.0.1 doesn't answer (Connection refused).")
    assert "certbot_preflight" in found


def test_a_name_that_is_not_in_the_dns_is_told(webroot: Path) -> None:
    found = obstacle(("nowhere.invalid",), webroot) or ""
    assert found.startswith("nowhere.invalid: the name can't be resolved (")
    assert unresolved(("127.0.0.1", "nowhere.invalid")) == found
    assert unresolved(("127.0.0.1",)) is None
