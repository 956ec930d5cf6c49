"""An estimate of the space that tables and B-tree indexes waste, from the planner's statistics alone.

It compares the pages an object had when it was last vacuumed or analyzed with those that its rows of then would fill:
each with its header, its average width by `pg_stats`, and the fill factor. What it can't know is left out: objects
without statistics, TOAST, the padding between columns (so tables seem to waste a little more than they do), and entries
that an index stores once for many rows (so such an index seems to waste less).
"""

from __future__ import annotations

from ansible.module_utils.roost_database.asking import full_name

WORTH_A_LOOK_BYTES = 10 * 1024 * 1024
SHOWN = 10

BLOCK = "current_setting('block_size')::int"
PAGE_HEADER = 24
ITEM_POINTER = 4
ROW_HEADER = 23
INDEX_ENTRY_HEADER = 8
INDEX_PAGE_END = 16


def aligned(expression: str) -> str:
    """Return an SQL expression: so many bytes, rounded up as PostgreSQL aligns rows."""
    return f"8 * ceil(({expression}) / 8.0)"


def fill_factor(default: int) -> str:
    """Return an SQL expression: the share of each page that is filled at first."""
    stated = "SELECT option_value::int FROM pg_options_to_table(object.reloptions) WHERE option_name = 'fillfactor'"
    return f"coalesce(({stated}), {default}) / 100.0"


def wasted(columns: str, row_bytes: str, page_bytes: str, name: str) -> str:
    """Return a query for the objects that waste most.

    `columns` is a query with the columns oid, width, nulls, number and known of each object.
    """
    return f"""
        SELECT *, round(wasted_bytes::numeric / bytes, 3) AS share FROM (
            SELECT {name} AS name, object.relpages::bigint * {BLOCK} AS bytes,
                greatest(0, object.relpages - 1
                    - ceil(object.reltuples / greatest(1, floor({page_bytes} / ({row_bytes})))))::bigint
                    * {BLOCK} AS wasted_bytes
            FROM ({columns}) AS stored
            JOIN pg_class AS object ON object.oid = stored.oid
            JOIN pg_namespace AS space ON space.oid = object.relnamespace
            WHERE known AND object.reltuples >= 0
        ) AS estimated
        WHERE wasted_bytes > 0 ORDER BY wasted_bytes DESC LIMIT {SHOWN}
    """


LARGE = f"owner.relpages::bigint * {BLOCK} > {WORTH_A_LOOK_BYTES}"
WIDTHS = """
    sum((1 - null_frac) * avg_width) AS width, bool_or(null_frac > 0) AS nulls,
    count(*) AS number, bool_and(avg_width IS NOT NULL) AS known
"""
TABLE_COLUMNS = f"""
    SELECT owner.oid, {WIDTHS}
    FROM pg_class AS owner
    JOIN pg_namespace AS place ON place.oid = owner.relnamespace
    JOIN pg_attribute AS own ON own.attrelid = owner.oid AND own.attnum > 0 AND NOT own.attisdropped
    LEFT JOIN pg_stats AS planned ON planned.schemaname = place.nspname AND planned.tablename = owner.relname
        AND planned.attname = own.attname AND NOT planned.inherited
    WHERE owner.relkind IN ('r', 'm') AND place.nspname NOT IN ('pg_catalog', 'information_schema') AND {LARGE}
    GROUP BY owner.oid
"""
# The statistics of a column are those of the table's, the statistics of an expression are the index' own.
INDEX_COLUMNS = f"""
    SELECT owner.oid, {WIDTHS}
    FROM pg_class AS owner
    JOIN pg_am AS kind ON kind.oid = owner.relam AND kind.amname = 'btree'
    JOIN pg_namespace AS place ON place.oid = owner.relnamespace
    JOIN pg_index AS declared ON declared.indexrelid = owner.oid
    JOIN pg_class AS indexed ON indexed.oid = declared.indrelid
    JOIN pg_attribute AS own ON own.attrelid = owner.oid
    LEFT JOIN pg_attribute AS source
        ON source.attrelid = indexed.oid AND source.attnum = nullif(declared.indkey[own.attnum - 1], 0)
    LEFT JOIN pg_stats AS planned ON planned.schemaname = place.nspname
        AND planned.tablename = CASE WHEN source.attname IS NULL THEN owner.relname ELSE indexed.relname END
        AND planned.attname = coalesce(source.attname, own.attname) AND NOT planned.inherited
    WHERE owner.relkind = 'i' AND place.nspname NOT IN ('pg_catalog', 'pg_toast') AND {LARGE}
    GROUP BY owner.oid
"""
NULL_BITMAP = "CASE WHEN nulls THEN ceil(number / 8.0) ELSE 0 END"

TABLES = wasted(
    TABLE_COLUMNS,
    row_bytes=f"{ITEM_POINTER} + {aligned(f'{ROW_HEADER} + {NULL_BITMAP}')} + {aligned('width')}",
    page_bytes=f"({BLOCK} - {PAGE_HEADER}) * {fill_factor(100)}",
    name=full_name("space.nspname", "object.relname"),
)
INDEXES = wasted(
    INDEX_COLUMNS,
    row_bytes=f"{ITEM_POINTER} + {INDEX_ENTRY_HEADER} + CASE WHEN nulls THEN 8 ELSE 0 END + {aligned('width')}",
    page_bytes=f"({BLOCK} - {PAGE_HEADER} - {INDEX_PAGE_END}) * {fill_factor(90)}",
    name=full_name("space.nspname", "object.relname"),
)
