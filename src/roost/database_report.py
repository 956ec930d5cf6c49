"""What `roost database` shows: what each host's `postgresql_report` found. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roost.database_troubles import cache_share, last_vacuum, percent
from roost.display import duration
from roost.events import Event, HostResult
from roost.wording import age, size

_DEAD_ROWS, _DEAD_SHARE = 1000, 0.1
_WASTED_BYTES, _WASTED_SHARE = 10 * 2**20, 0.2
_UNUSED_BYTES = 2**20


class DatabaseCollector:
    """Keeps what the hosts found; `hosts` maps a host's name to it, `elsewhere` the names of databases elsewhere."""

    def __init__(self) -> None:
        self.hosts: dict[str, Mapping[str, Any]] = {}
        self.elsewhere: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        if not isinstance(event, HostResult):
            return
        if event.task.module == "postgresql_report" and "report" in event.result:
            self.hosts[event.host] = event.result["report"]
        elif event.task.module == "postgresql_report_elsewhere":
            self.elsewhere |= {found["name"]: found for found in event.result.get("elsewhere", ())}


@dataclass(frozen=True)
class Section:
    """A table of a report. Numbers stand in `numeric` columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: range


def server_line(server: Mapping[str, Any]) -> str:
    """`PostgreSQL 17, 12 of 100 connections, ...`."""
    oldest = server["oldest_xid"]
    parts = [
        f"PostgreSQL {server['version']}",
        f"{server['connections']} of {server['max_connections']} connections",
        f"oldest transaction number at {percent(oldest['age'] / server['autovacuum_freeze_max_age'])} of "
        f"autovacuum_freeze_max_age, {oldest['left']:,} before writes stop",
    ]
    holding = [slot for slot in server["slots"] if slot["held_bytes"] > 0]
    parts += [f"slot {slot['name']} holds {size(slot['held_bytes'])} of WAL" for slot in holding]
    return ", ".join(parts)


def database_line(database: Mapping[str, Any]) -> str:
    """`3.2 GiB, 12 connections, 99.8 % of blocks from the cache, oldest transaction 3 s`."""
    count, share = database["connections"], cache_share(database)
    parts = [size(database["bytes"]), f"{count} connection{'' if count == 1 else 's'}"]
    if share is not None:
        parts.append(f"{share * 100:.1f} % of blocks from the cache")
    if database["sessions"]:
        parts.append(f"oldest transaction {duration(database['sessions'][0]['transaction_seconds'])}")
    idle = sum(session["state"].startswith("idle in transaction") for session in database["sessions"])
    if idle:
        parts.append(f"{idle} idle in transaction")
    return ", ".join(parts)


def sections(database: Mapping[str, Any]) -> Iterator[Section]:
    """The tables of a database; none if there is nothing to tell."""
    for columns, rows, numeric in (
        (("table", "live rows", "dead rows", "share", "vacuumed", "analyzed"), _dead_rows(database), range(1, 4)),
        (("table or index", "size", "wasted (estimate)", "share"), _wasted(database), range(1, 4)),
        (("index never used", "of table", "size"), _unused(database), range(2, 3)),
        (("slowest statements", "calls", "rows", "mean", "total"), _statements(database), range(1, 5)),
    ):
        if found := tuple(rows):
            yield Section(columns, found, numeric)


def _dead_rows(database: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for table in database["dead_rows"]:
        if table["dead"] >= _DEAD_ROWS and table["share"] >= _DEAD_SHARE:
            times = _ago(last_vacuum(table)), _ago(table["analyze_seconds_ago"])
            yield (table["name"], f"{table['live']:,}", f"{table['dead']:,}", percent(table["share"]), *times)


def _ago(seconds: int | None) -> str:
    return "never" if seconds is None else f"{age(seconds)} ago"


def _wasted(database: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for found in (*database["wasted_in_tables"], *database["wasted_in_indexes"]):
        if found["wasted_bytes"] >= _WASTED_BYTES and found["share"] >= _WASTED_SHARE:
            yield (found["name"], size(found["bytes"]), size(found["wasted_bytes"]), percent(found["share"]))


def _unused(database: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for index in database["unused_indexes"]:
        if index["bytes"] >= _UNUSED_BYTES:
            yield (index["name"], index["table"], size(index["bytes"]))


def _statements(database: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for statement in database["statements"] or ():
        mean, total = f"{statement['mean_milliseconds']:,.1f} ms", f"{statement['total_seconds']:,.1f} s"
        yield (statement["query"], f"{statement['calls']:,}", f"{statement['rows']:,}", mean, total)
