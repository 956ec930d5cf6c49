"""What of the databases deserves attention, each with its remedy: of what `postgresql_report` found. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.wording import age, size

_MANY_CONNECTIONS = 0.8
_HELD_WAL_BYTES = 2**30
# At its age of 1, autovacuum begins to freeze the oldest rows, which takes a while.
_OLD_XID = 1.5
_FEW_XIDS_LEFT = 500_000_000
_IDLE_SECONDS = 10 * 60
_LONG_SECONDS = 60 * 60
_ENOUGH_BLOCKS = 1_000_000
_GOOD_CACHE = 0.9
_MANY_DEAD_ROWS, _DEAD_SHARE = 10_000, 0.3
_WASTED_BYTES, _WASTED_SHARE = 100 * 2**20, 0.5
_UNUSED_BYTES = 10 * 2**20
_LONG_ENOUGH_TO_BE_USED = 7 * 86400


def troubles(report: Mapping[str, Any]) -> Iterator[str]:
    """What deserves attention on a host, or of a database elsewhere, the server before its databases."""
    if report.get("problem"):
        yield f"the database can't be looked at: {report['problem']}"
        return
    yield from _server(report["server"])
    for database in report["databases"]:
        yield from (f"{database['name']}: {trouble}" for trouble in _database(database))


def percent(share: float) -> str:
    """`43 %`."""
    return f"{share * 100:.0f} %"


def cache_share(database: Mapping[str, Any]) -> float | None:
    """Which share of the blocks that were read came from PostgreSQL's own cache; None if none was read."""
    blocks = database["blocks_hit"] + database["blocks_read"]
    return database["blocks_hit"] / blocks if blocks else None


def _server(server: Mapping[str, Any]) -> Iterator[str]:
    used, most = server["connections"], server["max_connections"]
    if used >= most * _MANY_CONNECTIONS:
        yield f"{used} of {most} connections are used; see pg_stat_activity, or raise postgresql.max_connections"
    if not server["autovacuum"]:
        yield "autovacuum is off, and tables will grow without end; remove it from postgresql.settings"
    yield from _wraparound(server["oldest_xid"], server["autovacuum_freeze_max_age"])
    for slot in server["slots"]:
        if slot["held_bytes"] >= _HELD_WAL_BYTES or slot["state"] == "lost":
            yield _slot(slot)
    for prepared in server["prepared"]:
        if prepared["seconds"] >= _LONG_SECONDS:
            name, since = _literal(prepared["name"]), age(prepared["seconds"])
            yield (
                f"{prepared['database']}: the prepared transaction {name} is open for {since} and keeps VACUUM from "
                f"removing dead rows; ROLLBACK PREPARED {name}"
            )


def _wraparound(oldest: Mapping[str, Any], freeze_max_age: int) -> Iterator[str]:
    if oldest["age"] > freeze_max_age * _OLD_XID or oldest["left"] < _FEW_XIDS_LEFT:
        share, name = percent(oldest["age"] / freeze_max_age), oldest["database"]
        yield (
            f"{name}: its oldest transaction number is at {share} of autovacuum_freeze_max_age, and writes stop after "
            f"{max(oldest['left'], 0):,} more transactions; vacuumdb --freeze {name}"
        )


def _slot(slot: Mapping[str, Any]) -> str:
    name = f"the replication slot {slot['name']}"
    drop = f"SELECT pg_drop_replication_slot({_literal(slot['name'])})"
    if slot["state"] == "lost":
        return f"{name} has lost WAL that its reader needs; {drop}, and set the reader up again"
    holds = f"{name} holds {size(slot['held_bytes'])} of WAL"
    if slot["active"]:
        return f"{holds}, because its reader is behind; look why"
    return f"{holds} for a reader that is away; bring it back, or {drop}"


def _database(database: Mapping[str, Any]) -> Iterator[str]:
    if database["problem"]:
        yield f"not everything could be looked at: {database['problem']}"
    for session in database["sessions"]:
        yield from _session(session)
    share = cache_share(database)
    if share is not None and share < _GOOD_CACHE and database["blocks_hit"] + database["blocks_read"] > _ENOUGH_BLOCKS:
        yield f"only {percent(share)} of the blocks come from the cache; raise postgresql.memory_share, or add indexes"
    for table in database["dead_rows"]:
        if table["dead"] >= _MANY_DEAD_ROWS and table["share"] >= _DEAD_SHARE:
            name, dead = table["name"], percent(table["share"])
            yield f"table {name} has {dead} dead rows and {_vacuumed(table)}; VACUUM (ANALYZE) {name}"
    yield from _wasted(database)
    yield from _indexes(database)
    yield from map(_sequence, database["sequences"])


def _session(session: Mapping[str, Any]) -> Iterator[str]:
    by = ", ".join(filter(None, [session["role"], session["application"]]))
    who, end = f"session {session['pid']} ({by})", f"SELECT pg_terminate_backend({session['pid']})"
    harm = "keeps VACUUM from removing dead rows"
    if session["state"].startswith("idle in transaction") and session["state_seconds"] >= _IDLE_SECONDS:
        yield f"{who} is idle in a transaction for {age(session['state_seconds'])} and {harm}; {end}"
    elif session["transaction_seconds"] >= _LONG_SECONDS:
        yield f"{who} is in a transaction for {age(session['transaction_seconds'])} and {harm}; {end} if it hangs"


def last_vacuum(table: Mapping[str, Any]) -> int | None:
    """How many seconds ago a table was vacuumed, by whomever; None if it never was."""
    known = [table[key] for key in ("vacuum_seconds_ago", "autovacuum_seconds_ago") if table[key] is not None]
    return min(known, default=None)


def _vacuumed(table: Mapping[str, Any]) -> str:
    last = last_vacuum(table)
    return "was never vacuumed" if last is None else f"was last vacuumed {age(last)} ago"


def _wasted(database: Mapping[str, Any]) -> Iterator[str]:
    """Only VACUUM FULL gives a table's space back to the system, and it needs room for a copy."""
    for table in filter(_wastes_much, database["wasted_in_tables"]):
        name = table["name"]
        yield (
            f"table {name} wastes {_estimate(table)}; new rows will fill it, or VACUUM (FULL, ANALYZE) {name}, which "
            "locks the table and writes it anew"
        )
    for index in filter(_wastes_much, database["wasted_in_indexes"]):
        yield f"index {index['name']} wastes {_estimate(index)}; REINDEX INDEX CONCURRENTLY {index['name']}"


def _wastes_much(found: Mapping[str, Any]) -> bool:
    return bool(found["wasted_bytes"] >= _WASTED_BYTES and found["share"] >= _WASTED_SHARE)


def _estimate(found: Mapping[str, Any]) -> str:
    return f"about {size(found['wasted_bytes'])} of {size(found['bytes'])}"


def _indexes(database: Mapping[str, Any]) -> Iterator[str]:
    for index in database["invalid_indexes"]:
        name = index["name"]
        yield (
            f"index {name} is invalid: it costs time, and no query uses it; REINDEX INDEX CONCURRENTLY {name}, or "
            f"DROP INDEX CONCURRENTLY {name}"
        )
    counted = database["counted_seconds"]
    if counted is not None and counted < _LONG_ENOUGH_TO_BE_USED:
        return
    for index in database["unused_indexes"]:
        if index["bytes"] >= _UNUSED_BYTES:
            since = f" in {age(counted)}" if counted is not None else ""
            yield (
                f"index {index['name']} of {index['table']} ({size(index['bytes'])}) was never used{since}; if no "
                f"replica uses it either, DROP INDEX CONCURRENTLY {index['name']}"
            )


def _sequence(sequence: Mapping[str, Any]) -> str:
    """The sequence of an identity column changes with the column; that of a serial one has a type of its own."""
    table, column = sequence["table"], sequence["column"]
    own = "" if sequence["identity"] else f"ALTER SEQUENCE {sequence['name']} AS bigint, and "
    return (
        f"the sequence of {table}.{column} ({sequence['type']}) is at {percent(sequence['share'])} of its range; "
        f"{own}ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint, which locks the table and writes it anew"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
