"""Does a slot answer as it should? Asked on its own socket, as the web server would."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

HEALTHY_IN_A_ROW = 3
PAUSE_SECONDS = 0.1
BODY_CHARACTERS = 300


@dataclass(frozen=True)
class Health:
    """How an application is asked for its health; `timeout` is the seconds one answer may take."""

    path: str
    host: str
    timeout: float = 5


@dataclass(frozen=True)
class Answer:
    """An answer's status and the beginning of its body; status 0 means that there was none, `body` says why."""

    status: int
    body: str

    @property
    def healthy(self) -> bool:
        return 200 <= self.status < 300

    def describe(self) -> str:
        """Tell what was answered, and what usually causes it."""
        if self.status == 0:
            return f"no answer: {self.body}"
        body = " ".join(self.body.split()) or "(empty body)"
        return f"status {self.status}{_hint(self.status)}: {body}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, host: str, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(socket_path: str, health: Health) -> Answer:
    """Send one request as it comes from the web server of an HTTPS site."""
    connection = _UnixConnection(socket_path, health.host, health.timeout)
    headers = {"Host": health.host, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    try:
        connection.request("GET", health.path, headers={**headers, "Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, response.read(BODY_CHARACTERS).decode("utf-8", "replace"))
    except TimeoutError:
        return Answer(0, f"nothing within {health.timeout:g} s")
    except (OSError, http.client.HTTPException) as problem:
        return Answer(0, str(problem) or type(problem).__name__)
    finally:
        connection.close()


def wait_until_healthy(
    ask_once: Callable[[], Answer], is_crashing: Callable[[], bool], *, patience: float
) -> tuple[bool, Answer]:
    """Ask until three answers in a row are healthy, the service crashes, or one is unhealthy after `patience` seconds.

    Return whether it is healthy, and the answer that decided it.
    """
    deadline = time.monotonic() + patience
    in_a_row = 0
    while True:
        answer = ask_once()
        in_a_row = in_a_row + 1 if answer.healthy else 0
        if is_crashing():
            return False, Answer(0, f"the service ended by itself ({answer.describe()})")
        if in_a_row == HEALTHY_IN_A_ROW:
            return True, answer
        if not answer.healthy and time.monotonic() >= deadline:
            return False, answer
        time.sleep(PAUSE_SECONDS)


def _hint(status: int) -> str:
    if status in {301, 302, 307, 308}:
        return " (a redirect: must the application trust X-Forwarded-Proto, or is the path's slash missing?)"
    if status == 400:
        return " (is the domain among the hosts that the application allows?)"
    if status == 404:
        return " (does the application serve this path?)"
    return ""
