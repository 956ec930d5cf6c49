"""The slowest statements of a database, if it has the extension pg_stat_statements."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.roost_database.asking import Server, answer

SHOWN = 10
LONGEST = 120
# Much more than is shown, since comments are left out.
READ = 4000

SCHEMA = """
    SELECT json_build_object('schema', (
        SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'pg_stat_statements'))
"""
SLOWEST = """
    SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM (
        SELECT left(min(query), {read}) AS query, sum(calls)::bigint AS calls,
            round(sum(total_exec_time)::numeric / 1000, 3) AS total_seconds,
            round((sum(total_exec_time) / greatest(sum(calls), 1))::numeric, 3) AS mean_milliseconds,
            sum(rows)::bigint AS rows
        FROM {schema}.pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        GROUP BY queryid ORDER BY sum(total_exec_time) DESC LIMIT {shown}
    ) AS found
"""
# Comments, which may hold anything, literals of each kind, and names, which stay. A text that was cut off may
# end within each.
TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<literal>
        \b[eE]'(?:[^'\\]|''|\\.)*(?:'|\\?\Z)
        | '(?:[^']|'')*(?:'|\Z)
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    )
    | "(?:[^"]|"")*(?:"|\Z) | [^\W\d][\w$]*
    """,
    re.VERBOSE | re.DOTALL,
)


def slowest(server: Server, database: str) -> list[dict[str, Any]] | None:
    """Return the statements that took most time in all, None without the extension. Raises BackupError."""
    schema = answer(server, SCHEMA, database)["schema"]
    if schema is None:
        return None
    query = SLOWEST.format(schema=schema, read=READ, shown=SHOWN)
    found: list[dict[str, Any]] = answer(server, query, database)
    return [{**statement, "query": shown(statement["query"])} for statement in found]


def shown(query: str) -> str:
    """Return a statement on one short line.

    PostgreSQL has put $1 in the place of most literals, but not in commands such as ALTER ROLE ... PASSWORD '...'.
    """
    text = " ".join(TOKEN.sub(_without_literal, query).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _without_literal(token: re.Match[str]) -> str:
    if token["comment"]:
        return " "
    return "'?'" if token["literal"] else token[0]
