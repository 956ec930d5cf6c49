"""One database seen from inside: dead rows, wasted space, indexes, sequences and slow statements."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database import bloat
from ansible.module_utils.roost_database.asking import Server, answer, full_name, rows_of
from ansible.module_utils.roost_database.statements import slowest

SHOWN = 10
NAME = full_name("schemaname", "relname")
INDEX_NAME = full_name("space.nspname", "object.relname")


def ago(moment: str) -> str:
    """Return an SQL expression: how many seconds ago that was, NULL if never."""
    return f"extract(epoch FROM now() - {moment})::bigint"


DEAD_ROWS = f"""
    SELECT {NAME} AS name, n_live_tup AS live, n_dead_tup AS dead,
        round(n_dead_tup::numeric / (n_live_tup + n_dead_tup), 3) AS share,
        {ago("last_vacuum")} AS vacuum_seconds_ago, {ago("last_autovacuum")} AS autovacuum_seconds_ago,
        {ago("greatest(last_analyze, last_autoanalyze)")} AS analyze_seconds_ago
    FROM pg_stat_user_tables WHERE n_dead_tup > 0 ORDER BY n_dead_tup DESC LIMIT {SHOWN}
"""
INVALID_INDEXES = f"""
    SELECT {INDEX_NAME} AS name, pg_relation_size(object.oid) AS bytes
    FROM pg_index AS declared
    JOIN pg_class AS object ON object.oid = declared.indexrelid AND object.relkind = 'i'
    JOIN pg_namespace AS space ON space.oid = object.relnamespace
    WHERE NOT (declared.indisvalid AND declared.indisready AND declared.indislive)
        AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = object.oid)
    ORDER BY name
"""
# One that guards a constraint, identifies rows for replicas, or belongs to that of a partitioned table has its use.
UNUSED_INDEXES = f"""
    SELECT {INDEX_NAME} AS name, {full_name("used.schemaname", "used.relname")} AS table,
        pg_relation_size(object.oid) AS bytes
    FROM pg_stat_user_indexes AS used
    JOIN pg_index AS declared ON declared.indexrelid = used.indexrelid
    JOIN pg_class AS object ON object.oid = used.indexrelid
    JOIN pg_namespace AS space ON space.oid = object.relnamespace
    WHERE used.idx_scan = 0 AND declared.indisvalid AND NOT declared.indisreplident
        AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = object.oid)
        AND NOT declared.indisunique AND NOT declared.indisexclusion
    ORDER BY bytes DESC LIMIT {SHOWN}
"""
# A sequence may count further than the column that it belongs to.
SEQUENCES = f"""
    SELECT * FROM (
        SELECT {full_name("space.nspname", "owner.relname")} AS table, quote_ident(own.attname) AS column,
            {full_name("home.nspname", "object.relname")} AS name, belongs.deptype = 'i' AS identity,
            format_type(own.atttypid, NULL) AS type, pg_sequence_last_value(counted.seqrelid) AS last,
            round(pg_sequence_last_value(counted.seqrelid)::numeric / least(
                counted.seqmax, CASE own.atttypid WHEN 'int2'::regtype THEN 32767 ELSE 2147483647 END), 3) AS share
        FROM pg_sequence AS counted
        JOIN pg_class AS object ON object.oid = counted.seqrelid
        JOIN pg_namespace AS home ON home.oid = object.relnamespace
        JOIN pg_depend AS belongs ON belongs.classid = 'pg_class'::regclass AND belongs.objid = counted.seqrelid
            AND belongs.refclassid = 'pg_class'::regclass AND belongs.deptype IN ('a', 'i') AND belongs.refobjsubid > 0
        JOIN pg_class AS owner ON owner.oid = belongs.refobjid
        JOIN pg_namespace AS space ON space.oid = owner.relnamespace
        JOIN pg_attribute AS own ON own.attrelid = belongs.refobjid AND own.attnum = belongs.refobjsubid
        WHERE own.atttypid IN ('int2'::regtype, 'int4'::regtype) AND counted.seqincrement > 0 AND NOT counted.seqcycle
            AND has_sequence_privilege(counted.seqrelid, 'USAGE, SELECT')
    ) AS ranges
    WHERE share > 0.75 ORDER BY share DESC
"""
INSIDE = f"""
    SELECT json_build_object(
        'dead_rows', {rows_of(DEAD_ROWS)},
        'wasted_in_tables', {rows_of(bloat.TABLES)},
        'wasted_in_indexes', {rows_of(bloat.INDEXES)},
        'invalid_indexes', {rows_of(INVALID_INDEXES)},
        'unused_indexes', {rows_of(UNUSED_INDEXES)},
        'sequences', {rows_of(SEQUENCES)})
"""
NOTHING: dict[str, Any] = {
    "dead_rows": [],
    "wasted_in_tables": [],
    "wasted_in_indexes": [],
    "invalid_indexes": [],
    "unused_indexes": [],
    "sequences": [],
}


def look_inside(server: Server, database: str) -> dict[str, Any]:
    """Return what is in a database; `problem` says why it, or its slowest statements, can't be told."""
    found = {**NOTHING, "statements": None, "problem": ""}
    try:
        found.update(answer(server, INSIDE, database))
        found["statements"] = slowest(server, database)
    except BackupError as problem:
        found["problem"] = str(problem).splitlines()[0].removeprefix("ERROR:").strip()
    return found
