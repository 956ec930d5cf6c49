"""What a database's runtime role may do: work with the owner's rows, but make, change, empty and drop nothing.

A table on which the role has any right of its own is left as it is, so that migrations can give it more, such as
TRUNCATE, or leave it less, such as no DELETE. What the owner makes later has the rights by default privileges.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ansible.module_utils.roost_database.sql import literal, quoted

NAMED = 5

# Privileges by what they are for, as pg_default_acl.defaclobjtype abbreviates it.
DEFAULTS = {
    "r": ("TABLES", ("SELECT", "INSERT", "UPDATE", "DELETE")),
    "S": ("SEQUENCES", ("SELECT", "USAGE", "UPDATE")),
    "f": ("FUNCTIONS", ("EXECUTE",)),
    "n": ("SCHEMAS", ("USAGE",)),
}
# The objects that lack rights, by their key in the state: how GRANT calls their kind, and the rights.
OBJECTS = {
    "tables": ("TABLE", *DEFAULTS["r"][1]),
    "sequences": ("SEQUENCE", *DEFAULTS["S"][1]),
    "functions": ("ROUTINE", *DEFAULTS["f"][1]),
}

# Settings whose value is a list of names.
LISTS = ("search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries")
OWN_SCHEMA = '"$user"'
LISTED = re.compile(r'"((?:[^"]|"")*)"|([^\s,"]+)')

# Neither role need be there yet: whatever is compared with NULL isn't true. `foreign` is what the owner may use without
# owning it, and the runtime role may not.
STATE = """
    (WITH owner AS MATERIALIZED (SELECT (SELECT oid FROM pg_roles WHERE rolname = {owner}) AS id),
    runtime AS MATERIALIZED (SELECT (SELECT oid FROM pg_roles WHERE rolname = {runtime}) AS id),
    relations AS (
        SELECT pg_class.oid, relkind, relowner, format('%I.%I', nspname, relname) AS name,
            EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = runtime.id)
            OR EXISTS (SELECT FROM pg_attribute, aclexplode(attacl)
                WHERE attrelid = pg_class.oid AND grantee = runtime.id) AS known
        FROM runtime, pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND nspname !~ '^pg_' AND nspname <> 'information_schema')
    SELECT jsonb_build_object(
        'search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'),
        'schemas', (
            SELECT coalesce(jsonb_object_agg(nspname, (
                SELECT coalesce(jsonb_agg(privilege_type), '[]')
                FROM runtime, aclexplode(nspacl) WHERE grantee = id)), '{{}}')
            FROM owner, pg_namespace WHERE (nspowner = owner.id OR nspname = 'public') AND nspname !~ '^pg_'),
        'tables', (
            SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM owner, relations
            WHERE relowner = id AND relkind <> 'S' AND NOT known),
        'sequences', (
            SELECT coalesce(jsonb_agg(name ORDER BY name), '[]') FROM owner, relations
            WHERE relowner = id AND relkind = 'S' AND NOT known),
        'functions', (
            SELECT coalesce(jsonb_agg(pg_proc.oid::regprocedure::text ORDER BY pg_proc.oid), '[]')
            FROM owner, runtime, pg_proc WHERE proowner = owner.id AND NOT EXISTS (
                SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee IN (0, runtime.id))),
        'defaults', (
            SELECT coalesce(jsonb_object_agg(defaclobjtype, (
                SELECT coalesce(jsonb_agg(privilege_type), '[]')
                FROM runtime, aclexplode(defaclacl) WHERE grantee = id)), '{{}}')
            FROM owner, pg_default_acl WHERE defaclrole = owner.id AND defaclnamespace = 0),
        'foreign', (
            SELECT coalesce(jsonb_agg(name || ' of ' || pg_get_userbyid(relowner) ORDER BY name), '[]')
            FROM owner, runtime, relations WHERE relowner <> owner.id AND EXISTS (
                SELECT FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
                WHERE has_table_privilege(owner.id, relations.oid, wanted)
                AND NOT coalesce(has_table_privilege(runtime.id, relations.oid, wanted),
                    has_table_privilege('public'::name, relations.oid, wanted))))))
"""

# What a new database has of this.
NEW_DATABASE: dict[str, Any] = {
    "search_path": f"{OWN_SCHEMA}, public",
    "schemas": {"public": []},
    "tables": [],
    "sequences": [],
    "functions": [],
    "defaults": {},
    "foreign": [],
}


def state(owner: str, runtime: str) -> str:
    """Return an SQL expression: what the runtime role has, and lacks, in the database of the session."""
    return STATE.format(owner=literal(owner), runtime=literal(runtime))


def limit_role(runtime: str, powers: Collection[str], memberships: Collection[Mapping[str, str]]) -> list[str]:
    """Return what takes from the role attributes such as CREATEDB, and its part in other roles."""
    role = quoted(runtime)
    return [
        *([f"ALTER ROLE {role} {' '.join(f'NO{power}' for power in powers)}"] if powers else []),
        *(
            f"REVOKE {quoted(given['role'])} FROM {role} GRANTED BY {quoted(given['grantor'])} CASCADE"
            for given in memberships
        ),
    ]


def put_under(owner: str, runtime: str, members: Collection[str]) -> list[str]:
    """Return what lets the owner see and end the role's sessions, whose locks a migration may wait for."""
    return [] if owner in members else [f"GRANT {quoted(runtime)} TO {quoted(owner)}"]


def open_database(database: str, runtime: str, held: Collection[str]) -> list[str]:
    """Return what lets the role into the database; `held` are its privileges there."""
    place, role = quoted(database), quoted(runtime)
    missing = [right for right in ("CONNECT", "TEMPORARY") if right not in held]
    return [
        *([f"GRANT {', '.join(missing)} ON DATABASE {place} TO {role}"] if missing else []),
        *([f"REVOKE CREATE ON DATABASE {place} FROM {role}"] if "CREATE" in held else []),
    ]


def grant_rights(owner: str, runtime: str, found: Mapping[str, Any]) -> list[str]:
    """Return what gives the role its rights inside of the database; `found` is what `state` returned."""
    role = quoted(runtime)
    statements = []
    for schema, held in sorted(found["schemas"].items()):
        if "USAGE" not in held:
            statements.append(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {role}")
        if "CREATE" in held:
            statements.append(f"REVOKE CREATE ON SCHEMA {quoted(schema)} FROM {role}")
    for key, (kind, *rights) in OBJECTS.items():
        if found[key]:
            statements.append(f"GRANT {', '.join(rights)} ON {kind} {', '.join(found[key])} TO {role}")
    for key, (kind, wanted) in DEFAULTS.items():
        if missing := [right for right in wanted if right not in found["defaults"].get(key, [])]:
            made = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(owner)}"
            statements.append(f"{made} GRANT {', '.join(missing)} ON {kind} TO {role}")
    return statements


def inherited_settings(
    owner: str, owners: Mapping[str, str], runtimes: Mapping[str, str], search_path: str
) -> dict[str, str]:
    """Return the values, as SQL has them, of the owner's settings that the role has none of.

    Both must find the same tables: the owner finds those in a schema of its name. `search_path` is the database's.
    """
    wanted = dict(owners)
    path = wanted.get("search_path", search_path)
    if OWN_SCHEMA in path:
        wanted["search_path"] = path.replace(OWN_SCHEMA, quoted(owner))
    return {name: setting_value(name, value) for name, value in wanted.items() if name not in runtimes}


def left_out(database: str, owner: str, runtime: str, foreign: Collection[str]) -> str:
    """Say what the role can't use, though the owner can, because others own it; empty if there is nothing."""
    if not foreign:
        return ""
    names = list(foreign)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (
        f"In the database {database}, {owner} may use what {runtime}, as which the application logs in, may not: "
        f"{', '.join(names[:NAMED])}{more}. Make {owner} the owner (ALTER TABLE ... OWNER TO {quoted(owner)}), "
        f"or GRANT {runtime} what it needs."
    )


def setting_value(name: str, value: str) -> str:
    """Return the value of a setting as SQL has it."""
    if name not in LISTS:
        return literal(value)
    parts = (inside.replace('""', '"') or bare for inside, bare in LISTED.findall(value))
    return ", ".join(map(literal, parts)) or "''"
