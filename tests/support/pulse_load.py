"""A constant load on the example pulse: pages, written rows, a slow answer, an open WebSocket."""

from collections.abc import Callable, Mapping
from typing import Self

from tests.support.open_websocket import Connection, close_websocket, open_websocket
from tests.support.site_load import SiteConnection, SiteLoad, Tally

SLOW_SECONDS = 5


class PulseLoad(SiteLoad):
    """Besides the pages, `answers` has `rows` (readings that are written) and `slow` (answers that take five seconds).

    `sockets` are the connections of a WebSocket that was kept open meanwhile.
    """

    domain = "pulse.test"

    def __enter__(self) -> Self:
        self.sockets: list[Connection] = []
        open_websocket(self._host)
        return super().__enter__()

    def stop(self) -> None:
        super().stop()
        self.sockets = close_websocket(self._host)

    def rows(self) -> Tally:
        """Compare the rows that this load asked for with those in the database."""
        return self._tally("rows", "pulse", "readings", "sensor")

    def _jobs(self) -> Mapping[str, Callable[[], None]]:
        return {
            **super()._jobs(),
            "rows": lambda: self._ask("rows", self._row, keep=False),
            "slow": lambda: self._ask("slow", self._slow, keep=True),
        }

    def _row(self, connection: SiteConnection, number: int) -> int:
        reading = {"sensor": f"load {self._run} {number}", "value": number}
        return connection.ask("POST", "/api/readings/", reading)[0]

    def _slow(self, connection: SiteConnection, _number: int) -> int:
        return connection.ask("GET", f"/slow/?seconds={SLOW_SECONDS}")[0]
