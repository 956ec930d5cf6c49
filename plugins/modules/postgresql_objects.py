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
from ansible.module_utils.roost_database import runtime_role
from ansible.module_utils.roost_database.sql import literal, quoted

DOCUMENTATION = r"""
module: postgresql_objects
short_description: Bring PostgreSQL's roles, databases and extensions to their declared state at once
description:
  - Reads the state of all declared objects in one C(psql) session as the system user C(postgres), and changes
    only what differs.
  - A role may log in with its password, which is stored as a SCRAM-SHA-256 verifier computed here, so that
    the server and its log never see the password itself.
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
  roles:
    description: >-
      Roles with C(name), C(password), C(replication) for one that may read the write-ahead log and, in seconds,
      C(statement_timeout), C(lock_timeout) and C(idle_in_transaction_session_timeout).
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
"""

RETURN = r"""
statements:
  description: The SQL that was run, or in check mode would be, with verifiers hidden.
  returned: always
  type: list
  elements: str
"""

# A declared role {name, password} with its TIME_LIMITS, or database {name, owner, runtime_role, extensions}.
Declared = dict[str, Any]

# What a role may declare for its sessions, in seconds.
TIME_LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

SCRAM_ITERATIONS = 4096
# Names that need no escaping in SQL, in psql's meta-commands, or in a file name.
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
PRINTABLE_ASCII = re.compile(r"[ -~]+")

# What the log keeps must not contain verifiers.
SESSION_OPTIONS = (
    "-c client_min_messages=warning -c log_statement=none -c log_min_duration_statement=-1"
    " -c log_min_error_statement=panic"
)

SERVER_STATE = """
SELECT jsonb_build_object(
    'roles', (
        SELECT coalesce(jsonb_object_agg(rolname, jsonb_build_object(
            'login', rolcanlogin,
            'verifier', rolpassword,
            'powers', array_remove(ARRAY[
                CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
                CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL),
            'memberships', (
                SELECT coalesce(jsonb_agg(jsonb_build_object(
                    'role', pg_get_userbyid(roleid), 'grantor', pg_get_userbyid(grantor))), '[]')
                FROM pg_auth_members WHERE member = pg_authid.oid),
            'members', (
                SELECT coalesce(jsonb_agg(pg_get_userbyid(member)), '[]')
                FROM pg_auth_members WHERE roleid = pg_authid.oid),
            'settings', (
                SELECT coalesce(jsonb_object_agg(
                    split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)), '{{}}')
                FROM pg_db_role_setting, unnest(setconfig) entry
                WHERE setrole = pg_authid.oid AND setdatabase = 0))), '{{}}')
        FROM pg_authid WHERE rolname IN ({roles})),
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
\\connect postgres
\\endif
"""

EMPTY_STATE: dict[str, Any] = {"roles": {}, "databases": {}, "contents": {}}
# What CREATE ROLE and CREATE DATABASE leave behind, on the oldest supported server.
NEW_ROLE: dict[str, Any] = {"powers": [], "memberships": [], "members": [], "settings": {}}
NEW_DATABASE: dict[str, Any] = {
    "extensions": ["plpgsql"],
    "schema": {"owner": None, "public": True},
    "runtime": runtime_role.NEW_DATABASE,
}


class PsqlError(Exception):
    """psql ended with an error; the message is what it printed."""


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
    unsafe = sorted({name for name in names if not PLAIN_NAME.fullmatch(name)})
    return [
        *(f"{name!r} is not a plain name: a-z, 0-9, _ and -, at most 63" for name in unsafe),
        *(
            f"the password of {role['name']!r} must be printable ASCII, and not empty"
            for role in roles
            if not PRINTABLE_ASCII.fullmatch(role["password"])
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
    """The statements that let `role` log in with its password, and read the write-ahead log if it shall."""
    name = quoted(role["name"])
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


def plan_database(database: Declared, actual: dict[str, Any] | None, contents: dict[str, Any]) -> list[Step]:
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
                f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
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


def plan(roles: list[Declared], databases: list[Declared], state: dict[str, Any]) -> list[Step]:
    """The statements that lead from `state` (see parse_state) to the declared objects, in order."""
    steps: list[Step] = []
    for role in roles:
        steps += plan_role(role, state["roles"].get(role["name"]))
    for database in databases:
        actual = state["databases"].get(database["name"])
        contents = state["contents"].get(database["name"], NEW_DATABASE)
        steps += plan_database(database, actual, contents)
        if database.get("runtime_role"):
            steps += plan_runtime_role(database, state["roles"], actual, contents["runtime"])
    return steps


def plan_runtime_role(
    database: Declared, roles: dict[str, Any], actual: dict[str, Any] | None, found: dict[str, Any]
) -> list[Step]:
    """The statements that limit the runtime role of a database to its rights, and give it these.

    `actual` is {rights}, None when the database is missing; `found` is what runtime_role.state returned.
    """
    name, owner, runtime = database["name"], database["owner"], database["runtime_role"]
    has = roles.get(runtime, NEW_ROLE)
    settings = runtime_role.inherited_settings(
        owner, other_settings(roles.get(owner, NEW_ROLE)), has["settings"], found["search_path"]
    )
    held = actual["rights"].get(runtime, []) if actual else []
    return [
        *(Step.plain("postgres", sql) for sql in runtime_role.limit_role(runtime, has["powers"], has["memberships"])),
        *(Step.plain("postgres", sql) for sql in runtime_role.put_under(owner, runtime, has["members"])),
        *(plan_setting(runtime, setting, value) for setting, value in settings.items()),
        *(Step.plain("postgres", sql) for sql in runtime_role.open_database(name, runtime, held)),
        *(Step.plain(name, sql) for sql in runtime_role.grant_rights(owner, runtime, found)),
    ]


def other_settings(role: dict[str, Any]) -> dict[str, str]:
    """The settings of a role that are none of TIME_LIMITS."""
    return {name: value for name, value in role["settings"].items() if name not in TIME_LIMITS}


def plan_setting(role: str, name: str, value: str) -> Step:
    """The statement that gives a role a setting, which may be a secret of the application's own."""
    statement = f"ALTER ROLE {quoted(role)} SET {quoted(name)} = "
    return Step("postgres", statement + value, statement + (value if name == "search_path" else "'********'"))


def warnings(databases: list[Declared], state: dict[str, Any]) -> list[str]:
    """What the runtime roles can't use and nothing here can give them."""
    told = []
    for database in databases:
        if runtime := database.get("runtime_role"):
            found = state["contents"].get(database["name"], NEW_DATABASE)["runtime"]["foreign"]
            told.append(runtime_role.left_out(database["name"], database["owner"], runtime, found))
    return [text for text in told if text]


def state_script(roles: list[Declared], databases: list[Declared]) -> str:
    """A psql script that prints one JSON object a line: the server's state, then that of each database."""

    def literals(items: list[Declared]) -> str:
        return ", ".join(literal(item["name"]) for item in items) or "NULL"

    server = SERVER_STATE.format(roles=literals(roles), databases=literals(databases))
    return server + "".join(
        DATABASE_STATE.format(name=database["name"], runtime=runtime_state(database)) for database in databases
    )


def runtime_state(database: Declared) -> str:
    """An SQL expression: what the runtime role of a database has and lacks there; NULL without one."""
    runtime = database.get("runtime_role")
    return runtime_role.state(database["owner"], runtime) if runtime else "NULL"


def change_script(steps: list[Step]) -> str:
    """A psql script that runs the steps, each in its database."""
    lines = []
    connected = "postgres"
    for step in steps:
        if step.database != connected:
            lines.append(f"\\connect {step.database}")
            connected = step.database
        lines.append(f"{step.sql};")
    return "\n".join(lines) + "\n"


def parse_state(printed: str) -> dict[str, Any]:
    """What state_script printed, by the names of roles and databases.

    {roles: {name: {login, verifier, powers, memberships, members, settings}},
    databases: {name: {owner, public, rights}}, contents: {name: {extensions, schema, runtime}}}, as plan_role,
    plan_database and plan_runtime_role take them.
    """
    server, *contents = (json.loads(line) for line in printed.splitlines() if line)
    return {**server, "contents": {entry["name"]: entry for entry in contents}}


def run_psql(module: AnsibleModule, script: str) -> str:
    """What psql printed for the script, run as the postgres user on the local socket.

    The script travels by standard input: it may hold verifiers. Raises PsqlError.
    """
    command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", module.params["psql"]]
    command += ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password"]
    command += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse"]
    command += ["--host=/var/run/postgresql", f"--port={module.params['port']}", "--dbname=postgres"]
    code, out, err = module.run_command(
        command, data=script, cwd="/", environ_update={"PGOPTIONS": SESSION_OPTIONS, "LC_ALL": "C.UTF-8"}
    )
    if code != 0:
        raise PsqlError(err.strip())
    return str(out)


def read_state(module: AnsibleModule) -> dict[str, Any]:
    """The server's state. In check mode a server that can't be asked counts as empty."""
    if module.check_mode and not Path(module.params["psql"]).exists():
        return EMPTY_STATE
    try:
        return parse_state(run_psql(module, state_script(module.params["roles"], module.params["databases"])))
    except PsqlError as error:
        if not module.check_mode:
            raise
        module.warn(f"PostgreSQL does not answer yet, everything counts as new: {error}")
        return EMPTY_STATE


def main() -> None:
    """Read, plan, and unless in check mode, change."""
    module = AnsibleModule(
        argument_spec={
            "psql": {"type": "path", "required": True},
            "port": {"type": "int", "default": 5432},
            "roles": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "replication": {"type": "bool", "default": False},
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
    try:
        state = read_state(module)
        steps = plan(roles, databases, state)
        if steps and not module.check_mode:
            run_psql(module, change_script(steps))
    except PsqlError as error:
        module.fail_json(msg=f"PostgreSQL refused: {error}")
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
