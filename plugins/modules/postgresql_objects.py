#!/usr/bin/python
"""Bring PostgreSQL's roles, databases and extensions to their declared state in one module run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_database import runtime_role, second_login
from ansible.module_utils.roost_database.psql import Psql, PsqlError, of_server, of_this_host
from ansible.module_utils.roost_database.sql import literal, quoted

DOCUMENTATION = r"""
module: postgresql_objects
short_description: Bring PostgreSQL's roles, databases and extensions to their declared state at once
description:
  - Reads the state of all declared objects in one C(psql) session as the system user C(postgres), and changes
    only what differs.
  - Or it does so on a server elsewhere, as an administrator who needs no more than CREATEROLE and CREATEDB, and becomes
    a member of the owners to act for them. Whether a role has its password is found out by logging in there. A database
    gets the server's own locale. Servers older than PostgreSQL 15 are refused.
  - A role may log in with its password, which is stored as a SCRAM-SHA-256 verifier computed here, so that
    the server and its log never see the password itself.
  - A role without a password is made for another one to act as. It can't log in, or as it could before.
  - A role that acts as another one is a member of that alone, and its sessions begin with C(SET ROLE). It has all
    settings of the other one, also those for one database, and none besides but its own time limits. The owner of a
    database is a member of what acts as the runtime role, to see and end its sessions.
  - The time limits of a role's sessions are settings of the role (C(ALTER ROLE ... SET)). One that is no longer
    declared is reset; other settings of the role, and those for one database alone, stay as they are.
  - A database belongs to its owner, and so does its schema C(public); nobody else may connect unless granted.
    It is created in UTF-8 with the locale C.UTF-8, whose order no system upgrade changes.
  - The runtime role of a database may read and write the rows of all that its owner owns, use sequences, call
    functions and make temporary tables, but make, change, empty or drop nothing. What the owner makes later has these
    rights by default privileges. A table on which it has any right of its own already is left as it is, so a migration
    can give or take others. It is no member of other roles, but its owner is of it, to see and end its sessions; and it
    has the owner's settings that it has none of, such as C(search_path).
  - Warns of what the owner of a database with a runtime role may use without owning it, and the runtime role may not.
  - Never drops anything; M(postgresql_removal) does.
  - The modules of C(community.postgresql) take one module run of 0.3 seconds for each object, and psycopg on
    the host. An ordinary server has a dozen objects, and this module reads all of them in one such run.
options:
  psql:
    description: Path of C(psql). In check mode it may be missing, everything is then reported as new.
    type: path
    required: true
  port:
    description: Port of the server, which names its socket.
    type: int
    default: 5432
  admin_url:
    description: URL of the administrator of a server elsewhere; the server of this host if not given.
    type: str
  roles:
    description: >-
      Roles with C(name), C(password), C(replication) for one that may read the write-ahead log, perhaps C(acts_as)
      (another of the roles) and, in seconds, C(statement_timeout), C(lock_timeout) and
      C(idle_in_transaction_session_timeout).
    type: list
    elements: dict
    default: []
  databases:
    description: Databases with C(name), C(owner), perhaps C(runtime_role), and C(extensions).
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author: The Roost authors
"""

EXAMPLES = r"""
- name: One application's database
  postgresql_objects:
    psql: /usr/lib/postgresql/17/bin/psql
    roles:
      - {name: atlas, password: "{{ vault_atlas_database_password }}"}
      - {name: atlas_app, password: "{{ vault_atlas_runtime_password }}", statement_timeout: 30}
    databases:
      - {name: atlas, owner: atlas, runtime_role: atlas_app, extensions: [postgis]}

- name: The same on a server elsewhere
  postgresql_objects:
    psql: /usr/bin/psql
    admin_url: "{{ vault_atlas_admin_url }}"
    roles:
      - {name: atlas, password: "{{ vault_atlas_database_password }}"}
    databases:
      - {name: atlas, owner: atlas, extensions: [postgis]}
"""

RETURN = r"""
statements:
  description: The SQL that was run, or in check mode would be, with verifiers hidden.
  returned: always
  type: list
  elements: str
"""

# A declared role {name, password, acts_as} with its TIME_LIMITS, or database {name, owner, runtime_role, extensions}.
Declared = dict[str, Any]

# What a role may declare for its sessions, in seconds.
TIME_LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

SCRAM_ITERATIONS = 4096
# An order of texts that no system upgrade changes.
LOCALE = " LOCALE 'C.UTF-8'"
# Names that need no escaping in SQL, in psql's meta-commands, or in a file name.
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
PRINTABLE_ASCII = re.compile(r"[ -~]+")

SERVER_STATE = """
SELECT jsonb_build_object(
    'version', current_setting('server_version_num')::int / 10000,
    'roles', (
        SELECT coalesce(jsonb_object_agg(rolname, jsonb_build_object(
            'login', rolcanlogin,
            'verifier', rolpassword,
            'administered', pg_has_role(current_user, role.oid, 'USAGE'),
            'powers', array_remove(ARRAY[
                CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
                CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL),
            'memberships', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'role', pg_get_userbyid(roleid), 'grantor', pg_get_userbyid(grantor))), '[]')
                FROM pg_auth_members WHERE member = role.oid),
            'members', (
                SELECT coalesce(jsonb_agg(pg_get_userbyid(member)), '[]')
                FROM pg_auth_members WHERE roleid = role.oid),
            'settings', (
                SELECT coalesce(jsonb_object_agg(
                    split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)), '{{}}')
                FROM pg_db_role_setting, unnest(setconfig) entry
                WHERE setrole = role.oid AND setdatabase = 0),
            'settings_in', (
                SELECT coalesce(jsonb_object_agg(datname, (
                    SELECT jsonb_object_agg(split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1))
                    FROM unnest(setconfig) entry)), '{{}}')
                FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
                WHERE setrole = role.oid))), '{{}}')
        FROM {catalogue} AS role WHERE rolname IN ({roles})),
    'databases', (
        SELECT coalesce(jsonb_object_agg(datname, jsonb_build_object(
            'owner', pg_get_userbyid(datdba),
            'public', EXISTS (
                SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
                WHERE grantee = 0),
            'rights', (
                SELECT coalesce(jsonb_object_agg(role, held), '{{}}') FROM (
                    SELECT pg_get_userbyid(grantee) AS role, jsonb_agg(privilege_type) AS held
                    FROM aclexplode(datacl) WHERE grantee <> 0 GROUP BY grantee) AS grantees))), '{{}}')
        FROM pg_database WHERE datname IN ({databases})));
"""

# psql connects to a database only when it is there. No function of the owner's making may be called there.
DATABASE_STATE = """
SELECT count(*) = 1 AS present FROM pg_database WHERE datname = '{name}' \\gset
\\if :present
\\connect {name}
SET search_path = pg_catalog;
SELECT jsonb_build_object(
    'name', current_database(),
    'runtime', {runtime},
    'extensions', (SELECT jsonb_agg(extname) FROM pg_extension),
    'schema', (
        SELECT jsonb_build_object(
            'owner', pg_get_userbyid(nspowner),
            'public', EXISTS (
                SELECT FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
                WHERE grantee = 0 AND privilege_type = 'CREATE'))
        FROM pg_namespace WHERE nspname = 'public'));
\\connect {home}
\\endif
"""

# Only a superuser may read pg_authid, with the verifiers.
CATALOGUES = {True: "pg_roles", False: "pg_authid"}
OLDEST_ELSEWHERE = 15

EMPTY_STATE: dict[str, Any] = {"roles": {}, "databases": {}, "contents": {}}
# What CREATE ROLE and CREATE DATABASE leave behind, on the oldest supported server.
NEW_ROLE: dict[str, Any] = {"powers": [], "memberships": [], "members": [], "settings": {}, "settings_in": {}}
NEW_DATABASE: dict[str, Any] = {
    "extensions": ["plpgsql"],
    "schema": {"owner": None, "public": True},
    "runtime": runtime_role.NEW_DATABASE,
}


@dataclass(frozen=True)
class Step:
    """One SQL statement, run in `database`. `shown` is the same without secrets."""

    database: str
    sql: str
    shown: str

    @classmethod
    def plain(cls, database: str, sql: str) -> Step:
        """A statement without secrets."""
        return cls(database, sql, sql)


def scram_verifier(password: str, salt: bytes, iterations: int = SCRAM_ITERATIONS) -> str:
    """The SCRAM-SHA-256 verifier of an ASCII password, as pg_authid.rolpassword holds it (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded_salt, encoded_stored, encoded_server = (
        base64.b64encode(part).decode() for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256${iterations}:{encoded_salt}${encoded_stored}:{encoded_server}"


def password_matches(password: str, verifier: str | None) -> bool:
    """Whether `verifier` (None: the role has no password) was made from `password` by SCRAM-SHA-256."""
    parts = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$.*", verifier or "")
    if parts is None:
        return False
    expected = scram_verifier(password, base64.b64decode(parts[2]), int(parts[1]))
    return hmac.compare_digest(expected, verifier or "")


def problems(roles: list[Declared], databases: list[Declared]) -> list[str]:
    """Why these declarations can't be used; empty when they can."""
    names = [item["name"] for item in (*roles, *databases)]
    names += [name for database in databases for name in (database["owner"], *database["extensions"])]
    names += [database["runtime_role"] for database in databases if database.get("runtime_role")]
    names += [role["acts_as"] for role in roles if role.get("acts_as")]
    unsafe = sorted({name for name in names if not PLAIN_NAME.fullmatch(name)})
    return [
        *(f"{name!r} is not a plain name: a-z, 0-9, _ and -, at most 63" for name in unsafe),
        *(
            f"the password of {role['name']!r} must be printable ASCII, and not empty"
            for role in roles
            if role.get("password") is not None and not PRINTABLE_ASCII.fullmatch(role["password"])
        ),
        *(
            f"the runtime role of the database {database['name']!r} must be another role than its owner"
            for database in databases
            if database.get("runtime_role") == database["owner"]
        ),
    ]


def plan_role(role: Declared, actual: dict[str, Any] | None) -> list[Step]:
    """The statements for one role.

    `actual` is {login, verifier, settings}, None when the role is missing.
    """
    return [*plan_login(role, actual), *plan_time_limits(role, actual["settings"] if actual else {})]


def plan_login(role: Declared, actual: dict[str, Any] | None) -> list[Step]:
    """The statements that let `role` log in with its password, and read the write-ahead log if it shall; without a
    password, those that make it."""
    name = quoted(role["name"])
    if role.get("password") is None:
        return [] if actual else [Step.plain("postgres", f"CREATE ROLE {name}")]
    wants_login = actual is None or not actual["login"]
    wants_password = actual is None or not password_matches(role["password"], actual["verifier"])
    wants_replication = role.get("replication") and "REPLICATION" not in (actual or NEW_ROLE)["powers"]
    if not wants_login and not wants_password and not wants_replication:
        return []
    powers = f"{' LOGIN' if wants_login else ''}{' REPLICATION' if wants_replication else ''}"
    statement = f"{'CREATE' if actual is None else 'ALTER'} ROLE {name}{powers}"
    if not wants_password:
        return [Step.plain("postgres", statement)]
    verifier = scram_verifier(role["password"], secrets.token_bytes(16))
    return [Step("postgres", f"{statement} PASSWORD '{verifier}'", f"{statement} PASSWORD '********'")]


def plan_time_limits(role: Declared, actual: dict[str, str]) -> list[Step]:
    """The statements that leave `role` with the declared ones of TIME_LIMITS; `actual` are all its settings."""
    declared = {limit: f"{role[limit]}s" for limit in TIME_LIMITS if role.get(limit) is not None}
    changes = [
        f"SET {limit} = '{declared[limit]}'" if limit in declared else f"RESET {limit}"
        for limit in TIME_LIMITS
        if declared.get(limit) != actual.get(limit)
    ]
    return [Step.plain("postgres", f"ALTER ROLE {quoted(role['name'])} {change}") for change in changes]


def plan_membership(owner: str, actual: dict[str, Any] | None, administrator: str) -> list[Step]:
    """The statements that let the administrator of a server elsewhere act for the owner of a database."""
    if actual and actual["administered"]:
        return []
    return [Step.plain("postgres", f"GRANT {quoted(owner)} TO {quoted(administrator)}")]


def plan_database(
    database: Declared, actual: dict[str, Any] | None, contents: dict[str, Any], locale: str = LOCALE
) -> list[Step]:
    """The statements for one database.

    `actual` is {owner, public}, None when the database is missing; `contents` is {extensions, schema}, its
    `schema` being {owner, public} for the schema named public, or None. `public` tells whether everybody has
    rights that only the owner should have.
    """
    name, owner = quoted(database["name"]), quoted(database["owner"])
    steps: list[Step] = []
    if actual is None:
        steps.append(
            Step.plain(
                "postgres",
                f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'{locale}",
            )
        )
    elif actual["owner"] != database["owner"]:
        steps.append(Step.plain("postgres", f"ALTER DATABASE {name} OWNER TO {owner}"))
    if actual is None or actual["public"]:
        steps.append(Step.plain("postgres", f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"))
    schema = contents["schema"]
    if schema is not None and schema["owner"] != database["owner"]:
        steps.append(Step.plain(database["name"], f"ALTER SCHEMA public OWNER TO {owner}"))
    if schema is not None and schema["public"]:
        steps.append(Step.plain(database["name"], "REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    steps += [
        Step.plain(database["name"], f"CREATE EXTENSION {quoted(extension)} CASCADE")
        for extension in database["extensions"]
        if extension not in contents["extensions"]
    ]
    return steps


def plan(
    roles: list[Declared], databases: list[Declared], state: dict[str, Any], administrator: str = ""
) -> list[Step]:
    """The statements that lead from `state` (see parse_state) to the declared objects, in order.

    `administrator` is who runs them on a server elsewhere, of which not everything is known.
    """
    steps: list[Step] = []
    for role in roles:
        steps += plan_role(role, state["roles"].get(role["name"]))
    for database in databases:
        actual = state["databases"].get(database["name"])
        contents = state["contents"].get(database["name"], NEW_DATABASE)
        if administrator:
            steps += plan_membership(database["owner"], state["roles"].get(database["owner"]), administrator)
        steps += plan_database(database, actual, contents, "" if administrator else LOCALE)
        if database.get("runtime_role"):
            steps += plan_runtime_role(database, state["roles"], actual, contents["runtime"])
    for role in roles:
        if role.get("acts_as"):
            steps += plan_second_login(role, databases, state)
    return steps


def plan_runtime_role(
    database: Declared, roles: dict[str, Any], actual: dict[str, Any] | None, found: dict[str, Any]
) -> list[Step]:
    """The statements that limit the runtime role of a database to its rights, and give it these.

    `actual` is {rights}, None when the database is missing; `found` is what runtime_role.state returned.
    """
    name, owner, runtime = database["name"], database["owner"], database["runtime_role"]
    has = roles.get(runtime, NEW_ROLE)
    settings = inherited_settings(database, roles, found)
    held = actual["rights"].get(runtime, []) if actual else []
    return [
        *(Step.plain("postgres", sql) for sql in runtime_role.limit_role(runtime, has["powers"], has["memberships"])),
        *(Step.plain("postgres", sql) for sql in runtime_role.put_under(owner, runtime, has["members"])),
        *(plan_setting(runtime, setting, value) for setting, value in settings.items()),
        *(Step.plain("postgres", sql) for sql in runtime_role.open_database(name, runtime, held)),
        *(Step.plain(name, sql) for sql in runtime_role.grant_rights(owner, runtime, found)),
    ]


def plan_second_login(role: Declared, databases: list[Declared], state: dict[str, Any]) -> list[Step]:
    """The statements that make a role act as another one, with its settings, and then let it in as that one is."""
    name, acts_as, roles = role["name"], role["acts_as"], state["roles"]
    has, model = roles.get(name, NEW_ROLE), roles.get(acts_as, NEW_ROLE)
    settings = second_login.as_sql(other_settings(model))
    seen: list[str] = []
    for database in databases:
        if database.get("runtime_role") == acts_as:
            found = state["contents"].get(database["name"], NEW_DATABASE)["runtime"]
            settings |= inherited_settings(database, roles, found)
            seen += runtime_role.put_under(database["owner"], name, has["members"])
    wanted = second_login.wanted_settings(acts_as, settings)
    places = {**model["settings_in"], **has["settings_in"]}
    steps = plan_settings(name, wanted, second_login.as_sql(other_settings(has)))
    for place in places:
        local, present = (second_login.as_sql(one["settings_in"].get(place, {})) for one in (model, has))
        steps += plan_settings(name, local, present, f" IN DATABASE {quoted(place)}")
    under = second_login.put_under(name, acts_as, has["powers"], has["memberships"])
    return [*steps, *(Step.plain("postgres", sql) for sql in [*seen, *under])]


def inherited_settings(database: Declared, roles: dict[str, Any], found: dict[str, Any]) -> dict[str, str]:
    """The settings that a runtime role gets of the owner, as SQL has them."""
    owner, runtime = database["owner"], database["runtime_role"]
    owners, runtimes = (other_settings(roles.get(role, NEW_ROLE)) for role in (owner, runtime))
    return runtime_role.inherited_settings(owner, owners, runtimes, found["search_path"])


def other_settings(role: dict[str, Any]) -> dict[str, str]:
    """The settings of a role that are none of TIME_LIMITS."""
    return {name: value for name, value in role["settings"].items() if name not in TIME_LIMITS}


def plan_settings(role: str, wanted: dict[str, str], has: dict[str, str], place: str = "") -> list[Step]:
    """The statements that leave a role with these settings alone; `place` is the database where they hold."""
    return [
        Step.plain("postgres", f"ALTER ROLE {quoted(role)}{place} RESET {quoted(name)}")
        if value is None
        else plan_setting(role, name, value, place)
        for name, value in second_login.changes(wanted, has).items()
    ]


def plan_setting(role: str, name: str, value: str, place: str = "") -> Step:
    """The statement that gives a role a setting, which may be a secret of the application's own."""
    statement = f"ALTER ROLE {quoted(role)}{place} SET {quoted(name)} = "
    is_public = name in {"search_path", second_login.ACTS_AS}
    return Step("postgres", statement + value, statement + (value if is_public else "'********'"))


def warnings(databases: list[Declared], state: dict[str, Any]) -> list[str]:
    """What the runtime roles can't use and nothing here can give them."""
    told = []
    for database in databases:
        if runtime := database.get("runtime_role"):
            found = state["contents"].get(database["name"], NEW_DATABASE)["runtime"]["foreign"]
            told.append(runtime_role.left_out(database["name"], database["owner"], runtime, found))
    return [text for text in told if text]


def state_script(
    roles: list[Declared], databases: list[Declared], catalogue: str = "pg_authid", home: str = "postgres"
) -> str:
    """A psql script that prints one JSON object a line: the server's state, then that of each database.

    `catalogue` is where roles are read from, `home` the database of the session.
    """

    def literals(items: list[Declared]) -> str:
        return ", ".join(literal(item["name"]) for item in items) or "NULL"

    server = SERVER_STATE.format(catalogue=catalogue, roles=literals(roles), databases=literals(databases))
    return server + "".join(
        DATABASE_STATE.format(name=database["name"], runtime=runtime_state(database), home=home)
        for database in databases
    )


def runtime_state(database: Declared) -> str:
    """An SQL expression: what the runtime role of a database has and lacks there; NULL without one."""
    runtime = database.get("runtime_role")
    return runtime_role.state(database["owner"], runtime) if runtime else "NULL"


def change_script(steps: list[Step], home: str = "postgres") -> str:
    """A psql script that runs the steps, each in its database; `home` is that of the session."""
    lines = []
    connected = "postgres"
    for step in steps:
        if step.database != connected:
            lines.append(f"\\connect {home if step.database == 'postgres' else step.database}")
            connected = step.database
        lines.append(f"{step.sql};")
    return "\n".join(lines) + "\n"


def parse_state(printed: str) -> dict[str, Any]:
    """What state_script printed, by the names of roles and databases.

    {version, roles: {name: {login, verifier, administered, powers, memberships, members, settings, settings_in}},
    databases: {name: {owner, public, rights}}, contents: {name: {extensions, schema, runtime}}}, as plan_role,
    plan_database and plan_runtime_role take them.
    """
    server, *contents = (json.loads(line) for line in printed.splitlines() if line)
    return {**server, "contents": {entry["name"]: entry for entry in contents}}


def read_state(module: AnsibleModule, psql: Psql) -> dict[str, Any]:
    """The server's state. In check mode a server that can't be asked counts as empty."""
    if module.check_mode and not Path(module.params["psql"]).exists():
        return EMPTY_STATE
    roles, databases = module.params["roles"], module.params["databases"]
    elsewhere = bool(module.params["admin_url"])
    try:
        state = parse_state(psql.run(module, state_script(roles, databases, CATALOGUES[elsewhere], psql.home)))
    except PsqlError as error:
        if not module.check_mode:
            raise
        module.warn(f"PostgreSQL does not answer yet, everything counts as new: {error}")
        return EMPTY_STATE
    if elsewhere:
        if state["version"] < OLDEST_ELSEWHERE:
            raise PsqlError(f"the server has PostgreSQL {state['version']}, {OLDEST_ELSEWHERE} or later is needed")
        try_passwords(module, psql, state)
    return state


def try_passwords(module: AnsibleModule, psql: Psql, state: dict[str, Any]) -> None:
    """Put into the state what a verifier would tell, on a server that shows none."""
    places = {name: one["name"] for one in module.params["databases"] for name in (one["owner"], one["runtime_role"])}
    for role in module.params["roles"]:
        name, password = role["name"], role["password"]
        if actual := state["roles"].get(name):
            place = places.get(name, psql.home)
            right = place in state["databases"] and psql.logs_in(module, name, password, place)
            actual["verifier"] = scram_verifier(password, secrets.token_bytes(16)) if right else None


def main() -> None:
    """Read, plan, and unless in check mode, change."""
    module = AnsibleModule(
        argument_spec={
            "psql": {"type": "path", "required": True},
            "port": {"type": "int", "default": 5432},
            "admin_url": {"type": "str", "no_log": True},
            "roles": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "password": {"type": "str", "no_log": True},
                    "replication": {"type": "bool", "default": False},
                    "acts_as": {"type": "str"},
                    **{limit: {"type": "int"} for limit in TIME_LIMITS},
                },
            },
            "databases": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "owner": {"type": "str", "required": True},
                    "runtime_role": {"type": "str"},
                    "extensions": {"type": "list", "elements": "str", "default": []},
                },
            },
        },
        supports_check_mode=True,
    )
    roles, databases = module.params["roles"], module.params["databases"]
    if found := problems(roles, databases):
        module.fail_json(msg="; ".join(found))
    program, admin_url = module.params["psql"], module.params["admin_url"]
    psql = of_server(program, admin_url) if admin_url else of_this_host(program, module.params["port"])
    try:
        state = read_state(module, psql)
        administrator = psql.login.get("PGUSER", "")
        steps = plan(roles, databases, state, administrator)
        if steps and not module.check_mode:
            psql.run(module, change_script(steps, psql.home))
    except PsqlError as error:
        where = f" at {psql.login.get('PGHOST')}" if admin_url else ""
        module.fail_json(msg=f"PostgreSQL{where} refused: {error}")
    for text in warnings(databases, state):
        module.warn(text)
    statements = [step.shown for step in steps]
    module.exit_json(
        changed=bool(steps),
        statements=statements,
        diff={"before": "", "after": "".join(f"{statement};\n" for statement in statements)},
    )


if __name__ == "__main__":
    main()
