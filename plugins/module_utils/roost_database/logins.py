"""Which roles may log in, and how one that is former may do so no more: not while anything serves with its password."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_database.asking import answer, rows_of
from ansible.module_utils.roost_database.sql import literal, quoted

NAMED = 3

OPEN = """
    SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_roles WHERE rolcanlogin AND rolname IN ({roles})
"""
# Those over the unix socket are PgBouncer's, which keeps them for nobody.
SESSIONS = """
    SELECT usename AS role, pid, host(client_addr) AS address FROM pg_stat_activity
    WHERE usename IN ({roles}) AND client_addr IS NOT NULL ORDER BY pid
"""
END_SESSIONS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = {role}"


@dataclass(frozen=True)
class Former:
    """A login that an application has left, or is about to leave."""

    role: str
    application: str


def open_logins(cluster: Cluster, roles: Collection[str]) -> list[str]:
    """Return those of the roles that may log in. Raises BackupError."""
    found: list[str] = answer(cluster, OPEN.format(roles=_literals(roles))) if roles else []
    return found


def sessions(cluster: Cluster, roles: Collection[str]) -> list[dict[str, str]]:
    """Return who is connected as one of the roles: `role` and `by`. Raises BackupError."""
    found = answer(cluster, f"SELECT {rows_of(SESSIONS.format(roles=_literals(roles)))}")
    return [{"role": one["role"], "by": f"session {one['pid']} from {one['address']}"} for one in found]


def users_of(former: Former, in_use: Sequence[Mapping[str, str]]) -> list[str]:
    """Return who still uses a login. A use without a `role` may be that of any login of its application, or of all."""
    return [
        use["by"]
        for use in in_use
        if use["role"] == former.role or (not use["role"] and use["application"] in {"", former.application})
    ]


def shut(cluster: Cluster, role: str) -> None:
    """Let nobody log in as a role any more, and end what is connected as it. Raises BackupError."""
    cluster.sql(f"ALTER ROLE {quoted(role)} NOLOGIN PASSWORD NULL")
    cluster.sql(END_SESSIONS.format(role=literal(role)))


def still_open(used: Mapping[str, Sequence[str]]) -> str:
    """Say which former logins are let in as before, and who uses them."""
    told = (
        f"{role} ({', '.join(users[:NAMED])}{f' and {len(users) - NAMED} more' if len(users) > NAMED else ''})"
        for role, users in used.items()
    )
    return (
        "The rotation of passwords is not finished, because the former ones are still in use: "
        f"{', '.join(told)}. `roost up` takes them away once that has ended."
    )


def _literals(names: Collection[str]) -> str:
    return ", ".join(map(literal, names))
