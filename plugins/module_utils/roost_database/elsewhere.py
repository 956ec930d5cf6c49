"""Databases elsewhere: whether they can be reached, and what they show to whoever may see less than all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.roost_backup.elsewhere import Elsewhere
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.asking import answer
from ansible.module_utils.roost_database.inside import look_inside
from ansible.module_utils.roost_database.server import SERVER_ELSEWHERE

RIGHTS = """
    SELECT json_build_object(
        'role', current_user,
        'sees_others', pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
        'unreadable', (
            SELECT count(*) FROM pg_class AS object JOIN pg_namespace AS space ON space.oid = object.relnamespace
            WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema')
                AND nspname !~ '^pg_' AND NOT has_table_privilege(object.oid, 'SELECT')))
"""


def reach(url: str) -> str:
    """Say why a database can't be reached; empty if it can."""
    try:
        Elsewhere(url).sql("SELECT 1")
    except BackupError as problem:
        return first_line(problem)
    return ""


def look(name: str, url: str) -> dict[str, Any]:
    """Return what `postgresql_report` tells of a server, with `left_out`; or the `problem` why it can't be told."""
    place = Elsewhere(url)
    try:
        server = answer(place, SERVER_ELSEWHERE, "")
        rights = answer(place, RIGHTS, "")
    except BackupError as problem:
        return {"name": name, "problem": first_line(problem)}
    (seen,) = server.pop("databases")
    return {
        "name": name,
        "problem": "",
        "left_out": left_out(rights),
        "server": server,
        "databases": [{**seen, "name": name, **look_inside(place, "")}],
    }


def left_out(rights: Mapping[str, Any]) -> list[str]:
    """Say what a role couldn't look at."""
    role, unreadable = rights["role"], rights["unreadable"]
    return [
        *([] if rights["sees_others"] else [f"what other roles do (GRANT pg_read_all_stats TO {role})"]),
        *(
            [f"wasted space of {unreadable} table{'s' * (unreadable > 1)} that {role} may not read"]
            if unreadable
            else []
        ),
    ]


def first_line(problem: BackupError) -> str:
    """The sentence that tells most."""
    line = str(problem).splitlines()[0]
    return line.removeprefix("psql: error: ").removeprefix("ERROR:").strip()
