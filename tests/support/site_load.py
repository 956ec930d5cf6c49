"""A constant load on a site, with every answer counted."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.hosts import Host

MOST_SECONDS = 1800
TIMEOUT_SECONDS = 40
PAUSE_SECONDS = 0.2  # whether any request fails is what matters, and the deploy shares the processors


class SiteConnection(http.client.HTTPSConnection):
    """A connection to a site at one host, whatever its domain resolves to, with its certificate verified."""

    def __init__(self, domain: str, address: str, context: ssl.SSLContext) -> None:
        super().__init__(domain, timeout=TIMEOUT_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request, its body as JSON, and return the answer's status and body."""
        headers = {"Content-Type": "application/json"} if body else {}
        self.request(method, path, json.dumps(body) if body else None, headers)
        response = self.getresponse()
        return response.status, response.read()


@dataclass
class Answers:
    """What came back: the seconds each good answer took, and a line for each failed request."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the good answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True)
class Tally:
    """Of things that were asked for: how many, how many of them are missing, and how many there are twice."""

    wanted: int
    lost: int
    doubled: int


class SiteLoad:
    """Clients that ask again and again, with pauses of `pause` seconds, until the block ends or `most_seconds` pass.

    `answers` has one entry for each kind of client: `kept` (pages on a kept connection), `new` (pages, each on
    a new connection), `http2` (pages on one HTTP/2 connection), and what a site adds in `_jobs`.
    """

    domain: str

    def __init__(
        self, host: Host, folder: Path, *, pause: float = PAUSE_SECONDS, most_seconds: int = MOST_SECONDS
    ) -> None:
        self._host = host
        self._pause = pause
        self._most_seconds = most_seconds
        self._certificate = folder / "certificate.pem"
        self._certificate.write_text(host.run("cat /etc/roost/tls/*/fullchain.pem"))
        self._context = ssl.create_default_context(cafile=str(self._certificate))
        self._stopping = threading.Event()
        self._run = f"{time.time():.0f}"
        jobs = self._jobs()
        self.answers = {kind: Answers() for kind in jobs}
        self._threads = [threading.Thread(target=job, name=kind) for kind, job in jobs.items()]

    def __enter__(self) -> Self:
        self._deadline = time.monotonic() + self._most_seconds
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let the clients end with the request that each is at."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[str]:
        return [f"{kind}: {failure}" for kind, answers in self.answers.items() for failure in answers.failures]

    def _jobs(self) -> Mapping[str, Callable[[], None]]:
        return {
            "kept": lambda: self._ask("kept", self._page, keep=True),
            "new": lambda: self._ask("new", self._page, keep=False),
            "http2": self._ask_http2,
        }

    def _query(self, database: str, statement: str) -> list[str]:
        return self._host.run(f'runuser -u postgres -- psql -tA {database} -c "{statement}"').splitlines()

    def _tally(self, kind: str, database: str, table: str, column: str) -> Tally:
        """Compare the good answers to a kind of request with the rows that have a name of this load."""
        named = f"select {column} from {table} where {column} like 'load {self._run} %'"  # noqa: S608 - no input
        wanted, stored = len(self.answers[kind].seconds), self._query(database, named)
        return Tally(wanted, lost=wanted - len(set(stored)), doubled=len(stored) - len(set(stored)))

    def _connection(self) -> SiteConnection:
        return SiteConnection(self.domain, self._host.address, self._context)

    def _going(self) -> bool:
        return not self._stopping.is_set() and time.monotonic() < self._deadline

    def _ask(
        self, kind: str, ask: Callable[[SiteConnection, int], int], *, keep: bool, pause: float | None = None
    ) -> None:
        answers, number = self.answers[kind], 0
        connection = self._connection()
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
            time.sleep(pause or self._pause)
        connection.close()

    def _page(self, connection: SiteConnection, _number: int) -> int:
        return connection.ask("GET", "/")[0]

    def _ask_http2(self) -> None:
        """Let one curl process ask over and over on a single HTTP/2 connection; it tells each answer in a line."""
        command = ["curl", "--silent", "--http2", "--cacert", str(self._certificate)]
        command += ["--rate", f"{60 / self._pause:.0f}/m"]
        command += ["--resolve", f"{self.domain}:443:{self._host.address}", "--max-time", str(self._most_seconds)]
        command += ["--output", "/dev/null", "--write-out", "%{stderr}%{http_code} %{http_version} %{time_total}\n"]
        process = subprocess.Popen(
            [*command, f"https://{self.domain}/?[1-99999]"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
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
