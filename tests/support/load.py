"""A constant load on the example atlas: pages, written rows, background tasks."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Self

from tests.support.site_load import SiteConnection, SiteLoad, Tally

TASKS_PAUSE_SECONDS = 0.5  # a worker process does two a second
TASKS_PATIENCE_SECONDS = 60
POINT = {"type": "Point", "coordinates": [13.4, 52.5]}


class Load(SiteLoad):
    """Besides the pages, `answers` has `rows` (places that are written) and `tasks` (that are started)."""

    domain = "atlas.test"

    def __enter__(self) -> Self:
        self._started: list[str] = []
        self._measurements_before = self._measurements()
        return super().__enter__()

    def rows(self) -> Tally:
        """Compare the rows that this load asked for with those in the database."""
        return self._tally("rows", "atlas", "places_place", "name")

    def tasks(self) -> Tally:
        """Compare the tasks that this load started with the rows that they wrote, after a minute at most."""
        wanted, deadline = len(self._started), time.monotonic() + TASKS_PATIENCE_SECONDS
        while self._measurements_since() < wanted and time.monotonic() < deadline:
            time.sleep(1)
        time.sleep(2)  # one that runs twice would show now
        lost = self._unfinished()
        return Tally(wanted, lost=lost, doubled=self._measurements_since() - (wanted - lost))

    def _jobs(self) -> Mapping[str, Callable[[], None]]:
        return {
            **super()._jobs(),
            "rows": lambda: self._ask("rows", self._row, keep=False),
            "tasks": lambda: self._ask("tasks", self._task, keep=True, pause=TASKS_PAUSE_SECONDS),
        }

    def _row(self, connection: SiteConnection, number: int) -> int:
        place = {"type": "Feature", "geometry": POINT, "properties": {"name": f"load {self._run} {number}"}}
        return connection.ask("POST", "/api/places/", place)[0]

    def _task(self, connection: SiteConnection, _number: int) -> int:
        status, body = connection.ask("POST", "/api/tasks/ping/")
        if status == 202:
            self._started.append(json.loads(body)["id"])
        return status

    def _measurements(self) -> int:
        return int(self._query("atlas", "select count(*) from places_measurement where source = 'ping'")[0])

    def _measurements_since(self) -> int:
        return self._measurements() - self._measurements_before

    def _unfinished(self) -> int:
        """Return how many of the tasks that were started have no result."""
        connection = self._connection()
        states = [json.loads(connection.ask("GET", f"/api/tasks/{task}/")[1])["state"] for task in self._started]
        connection.close()
        return sum(state != "SUCCESS" for state in states)
