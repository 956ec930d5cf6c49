"""How a database and a role go for good: not without a last dump, and not while something still belongs to the role."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ansible.module_utils.roost_backup import dumps
from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.asking import answer, rows_of
from ansible.module_utils.roost_database.sql import literal

# Apart from the dumps of each night, of which old ones go.
FOLDER = Path("/var/backups/roost/removed-databases")
NAMED = 5

PRESENT = """
    SELECT json_build_object(
        'databases', (SELECT coalesce(json_agg(datname ORDER BY datname), '[]') FROM pg_database
            WHERE datname IN ({databases})),
        'roles', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_roles WHERE rolname IN ({roles})))
"""
# What is in a database that goes, and the database itself, need not be left by its owner.
DEPENDENCIES = """
    SELECT role.rolname AS role, place.datname AS database, classid::bigint AS class, belongs.objid::bigint AS object,
        objsubid AS part, deptype = 'o' AS owned
    FROM pg_shdepend AS belongs
    JOIN pg_roles AS role ON refclassid = 'pg_authid'::regclass AND role.oid = refobjid
    LEFT JOIN pg_database AS place ON place.oid = dbid
    WHERE role.rolname IN ({roles}) AND coalesce(place.datname, '') NOT IN ({databases})
        AND NOT (classid = 'pg_database'::regclass
            AND belongs.objid IN (SELECT oid FROM pg_database WHERE datname IN ({databases})))
    ORDER BY role, owned DESC, database, class, object
"""


@dataclass(frozen=True)
class Removal:
    """What is there of what is to go. `kept` says of each role that can't go what stands against it."""

    databases: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def plan(cluster: Cluster, databases: Collection[str], roles: Collection[str]) -> Removal:
    """Look what is there. Raises BackupError."""
    names = {"databases": _literals(databases), "roles": _literals(roles)}
    present = answer(cluster, PRESENT.format(**names))
    found = answer(cluster, f"SELECT {rows_of(DEPENDENCIES.format(**names))}")
    told: dict[str, list[str]] = {}
    for dependency in found:
        reasons = told.setdefault(dependency["role"], [])
        if len(reasons) < NAMED:
            reasons.append(_described(cluster, dependency))
    more = {role: sum(one["role"] == role for one in found) - len(reasons) for role, reasons in told.items()}
    kept = {
        role: ", ".join(reasons) + (f" and {more[role]} more" if more[role] else "") for role, reasons in told.items()
    }
    return Removal(present["databases"], present["roles"], kept)


def drop_database(cluster: Cluster, name: str) -> Path:
    """Drop a database after a last dump, in which nothing that was written is missing. Raises BackupError."""
    quoted = f'"{name}"'
    limit = cluster.sql(f"SELECT datconnlimit FROM pg_database WHERE datname = {literal(name)}")
    cluster.sql(f"ALTER DATABASE {quoted} CONNECTION LIMIT 0")
    try:
        cluster.sql(
            f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = {literal(name)}",
        )
        file = dumps.write(cluster, name, FOLDER)
        cluster.sql(f"DROP DATABASE {quoted} WITH (FORCE)")
    except (BackupError, OSError) as problem:
        cluster.sql(f"ALTER DATABASE {quoted} CONNECTION LIMIT {limit}")
        raise BackupError(f"The database {name} was not removed: {problem}") from None
    return file


def drop_role(cluster: Cluster, name: str) -> None:
    """Drop a role, to which nothing may belong any more. Raises BackupError."""
    cluster.sql(f'DROP ROLE "{name}"')


def _described(cluster: Cluster, dependency: dict[str, object]) -> str:
    """`table entries in atlas`, or for mere rights `rights on table entries in atlas`."""
    ids = f"{dependency['class']}, {dependency['object']}, {dependency['part']}"
    place = dependency["database"]
    query = f"SELECT to_json(pg_describe_object({ids}))"
    what = answer(cluster, query, str(place or "postgres"))
    where = f" in {place}" if place else ""
    return f"{what}{where}" if dependency["owned"] else f"rights on {what}{where}"


def _literals(names: Collection[str]) -> str:
    # IN () is no SQL, and no name is empty.
    return ", ".join(map(literal, names)) or "''"
