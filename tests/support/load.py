"""A constant load on the example site, with every answer counted: pages, written rows, background tasks."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.hosts import Host

DOMAIN = "atlas.test"
MOST_SECONDS = 1800
TIMEOUT_SECONDS = 40
PAUSE_SECONDS = 0.05


class SiteConnection(http.client.HTTPSConnection):
    """A connection to the site at one host, whatever its domain resolves to, with its certificate verified."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        super().__init__(DOMAIN, timeout=TIMEOUT_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=DOMAIN)


@dataclass
class Answers:
    """What came back: the seconds each good answer took, and a line for each failed request."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the good answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Load:
    """Clients that ask without a longer pause than `pause` seconds until the block ends, or half an hour has passed.

    `answers` has one entry for each kind of client: `kept` (pages on a kept connection), `new` (pages, each on
    a new connection), `http2` (pages on one HTTP/2 connection), `rows` (places that are written), `tasks`.
    """

    def __init__(self, host: Host, folder: Path, pause: float = PAUSE_SECONDS) -> None:
        self._host = host
        self._pause = pause
        self._certificate = folder / "certificate.pem"
        self._certificate.write_text(host.run("cat /etc/roost/tls/*/fullchain.pem"))
        self._context = ssl.create_default_context(cafile=str(self._certificate))
        self._stopping = threading.Event()
        self._run = f"{time.time():.0f}"
        self.answers = {kind: Answers() for kind in ("kept", "new", "http2", "rows", "tasks")}
        jobs: dict[str, Callable[[], None]] = {
            "kept": lambda: self._ask("kept", self._page, keep=True),
            "new": lambda: self._ask("new", self._page, keep=False),
            "http2": self._ask_http2,
            "rows": lambda: self._ask("rows", self._row, keep=False),
            "tasks": lambda: self._ask("tasks", self._task, keep=True),
        }
        self._threads = [threading.Thread(target=job, name=kind) for kind, job in jobs.items()]

    def __enter__(self) -> Self:
        self._tasks_before = self._count("places_measurement where source = 'ping'")
        self._deadline = time.monotonic() + MOST_SECONDS
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[str]:
        return [f"{kind}: {failure}" for kind, answers in self.answers.items() for failure in answers.failures]

    def rows_written(self) -> int:
        """Return how many of the rows that this load asked for are in the database."""
        return self._count(f"places_place where name like 'load {self._run} %'")

    def tasks_done(self, wanted: int) -> int:
        """Return how many tasks have written their row since the load began, waiting a minute for the last ones."""
        deadline = time.monotonic() + 60
        while (done := self._tasks()) < wanted and time.monotonic() < deadline:
            time.sleep(1)
        time.sleep(2)  # one that runs twice would show now
        return self._tasks() if done >= wanted else done

    def _tasks(self) -> int:
        return self._count("places_measurement where source = 'ping'") - self._tasks_before

    def _count(self, what: str) -> int:
        query = f"select count(*) from {what}"  # noqa: S608 - what this class itself says
        return int(self._host.run(f'runuser -u postgres -- psql -tA atlas -c "{query}"'))

    def _going(self) -> bool:
        return not self._stopping.is_set() and time.monotonic() < self._deadline

    def _ask(self, kind: str, ask: Callable[[SiteConnection, int], int], *, keep: bool) -> None:
        answers, number = self.answers[kind], 0
        connection = SiteConnection(self._host.address, self._context)
        while self._going():
            number += 1
            started = time.monotonic()
            try:
                status = ask(connection, number)
            except (OSError, http.client.HTTPException) as problem:
                answers.failures.append(f"request {number}: {type(problem).__name__} {problem}")
                connection.close()
            else:
                if 200 <= status < 300:
                    answers.seconds.append(time.monotonic() - started)
                else:
                    answers.failures.append(f"request {number}: status {status}")
            if not keep:
                connection.close()
            time.sleep(self._pause)
        connection.close()

    @staticmethod
    def _send(connection: SiteConnection, method: str, path: str, body: object = None) -> int:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        response.read()
        return response.status

    def _page(self, connection: SiteConnection, _number: int) -> int:
        return self._send(connection, "GET", "/")

    def _row(self, connection: SiteConnection, number: int) -> int:
        point = {"type": "Point", "coordinates": [13.4, 52.5]}
        place = {"type": "Feature", "geometry": point, "properties": {"name": f"load {self._run} {number}"}}
        return self._send(connection, "POST", "/api/places/", place)

    def _task(self, connection: SiteConnection, _number: int) -> int:
        status = self._send(connection, "POST", "/api/tasks/ping/")
        time.sleep(10 * PAUSE_SECONDS)  # a worker process does two a second
        return status

    def _ask_http2(self) -> None:
        """Let one curl process ask over and over on a single HTTP/2 connection; it tells each answer in a line."""
        command = ["curl", "--silent", "--http2", "--cacert", str(self._certificate), "--rate", "10/s"]
        command += ["--resolve", f"{DOMAIN}:443:{self._host.address}", "--max-time", str(MOST_SECONDS)]
        command += ["--output", "/dev/null", "--write-out", "%{stderr}%{http_code} %{http_version} %{time_total}\n"]
        process = subprocess.Popen(
            [*command, f"https://{DOMAIN}/?[1-20000]"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        for line in process.stderr:
            code, version, seconds = line.split()
            if (code, version) == ("200", "2"):
                self.answers["http2"].seconds.append(float(seconds))
            else:
                self.answers["http2"].failures.append(f"status {code} over HTTP/{version}")
            if not self._going():
                break
        process.kill()
        process.wait()
