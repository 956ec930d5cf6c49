"""The inputs of the roles that keep data: postgresql, pgbouncer, redis."""

from collections.abc import Mapping
from typing import Any

from roost.backup_secrets import RECEIVER_PASSWORD
from roost.budget import Connections, connections_allowed, connections_of, pool_sizes
from roost.derive.context import LOOPBACK, Context, role_input
from roost.derive.logins import Login, former_logins, left_login, present_logins, serving_login
from roost.model import ResolvedApp, ResolvedDatabase, runtime_role_of, second_login_of
from roost.topology import Host

MIN_CLIENT_CONNECTIONS = 100
"""PgBouncer's own default."""

MIN_REDIS_DATABASES = 16
"""Redis' own default."""

REDIS_MEMORY_SHARE = 0.1
"""The share of its host's memory that Redis may fill."""

RECEIVER_ROLE = "roost_receiver"
"""The role as which the receiver of the log comes; the name of its slot, and how PostgreSQL's settings know it, too."""


def local_databases(context: Context) -> list[tuple[ResolvedApp, ResolvedDatabase]]:
    """Return the applications whose database is on a server of Roost's, with it."""
    return [(app, app.database) for app in context.apps if app.database and not app.database.elsewhere]


def declared_roles(database: ResolvedDatabase, vault: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the owner of a database and its runtime role; the one that serves has the time limits.

    One that is logged in to by its second login has no password of its own.
    """
    roles: list[dict[str, Any]] = []
    serving = serving_login(database, vault)
    for login in present_logins(database, vault):
        limits = _time_limits(database) if login == serving else {}
        if login.role == login.acts_as:
            roles.append({"name": login.role, "password": login.password, **limits})
        else:
            second = {"name": login.role, "password": login.password, "acts_as": login.acts_as, **limits}
            roles += [{"name": login.acts_as, **limits}, second]
    return roles


def declared_database(database: ResolvedDatabase) -> dict[str, Any]:
    """Return a database as the role postgresql makes it."""
    return {
        "name": database.name,
        "owner": database.name,
        "runtime_role": database.runtime_role,
        "extensions": list(database.extensions),
    }


@role_input
def postgresql_version(context: Context) -> str:
    return context.stack.postgresql.version or ""


@role_input
def postgresql_listen_addresses(context: Context) -> list[str]:
    return [LOOPBACK, context.host.internal_address] if context.clients() or context.receiver else [LOOPBACK]


@role_input
def postgresql_roles(
    context: Context, vault_apps: Mapping[str, Mapping[str, str]], vault_backups: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the owner of each database and its runtime role, and the receiver's."""
    roles = [
        role for app, database in local_databases(context) for role in declared_roles(database, vault_apps[app.name])
    ]
    if not context.receiver:
        return roles
    return [{"name": RECEIVER_ROLE, "password": str(vault_backups[RECEIVER_PASSWORD]), "replication": True}, *roles]


@role_input
def postgresql_databases(context: Context) -> list[dict[str, Any]]:
    return [declared_database(database) for _, database in local_databases(context)]


@role_input
def postgresql_former_logins(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    return _former_logins(context, vault_apps)


@role_input
def app_former_logins(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [former["role"] for former in _former_logins(context, vault_apps)]


@role_input
def postgresql_logins_in_use(context: Context) -> list[dict[str, str]]:
    """Return what each host that runs applications has found out in this run; one that has not may use any login."""
    found = []
    for host in context.application_hosts():
        used = context.hostvars[host.name].get("__app_logins", {}).get("in_use")
        if used is None:
            found.append({"role": "", "application": "", "by": f"perhaps {host.name}, which could not be asked"})
        else:
            found += [{**use, "by": f"{use['by']} on {host.name}"} for use in used]
    return found


@role_input
def postgresql_removed_databases(context: Context) -> list[str]:
    return list(context.stack.removed_databases)


@role_input
def postgresql_removed_roles(context: Context) -> list[str]:
    """Return the owners and the runtime roles of the removed databases, but none that another database has.

    Their second logins go first.
    """
    declared = {role for _, database in local_databases(context) for role in (database.name, database.runtime_role)}
    roles = (role for name in context.stack.removed_databases for role in (name, runtime_role_of(name)))
    return [login for role in roles if role not in declared for login in (second_login_of(role), role)]


@role_input
def postgresql_hba(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return one line for each role of a database and each other host that runs applications; over TLS only.

    The receiver of the log asks the database postgres what is archived.
    """
    lines = [
        _hba_line(database.name, login.role, host)
        for app, database in local_databases(context)
        for login in _logins(database, context, vault_apps[app.name])
        for host in context.clients()
    ]
    if context.receiver:
        lines += [_hba_line(name, RECEIVER_ROLE, context.receiver) for name in ("replication", "postgres")]
    return lines


@role_input
def postgresql_settings(context: Context) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in context.stack.postgresql.settings.items()]


@role_input
def postgresql_max_connections(context: Context) -> int:
    return _max_connections(context)


@role_input
def postgresql_memory_share(context: Context) -> float:
    return context.stack.postgresql.memory_share


@role_input
def postgresql_disk(context: Context) -> str:
    return context.stack.postgresql.disk


@role_input
def pgbouncer_listen_addresses(context: Context) -> list[str]:
    return _listen(context)


@role_input
def pgbouncer_clients(context: Context) -> list[str]:
    return [host.internal_address for host in context.clients()]


@role_input
def pgbouncer_databases(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return every database, or none if no application wants the pooler.

    Those that don't want it are there too: one that has just been switched off uses it until the application has moved.
    """
    if not context.pooled:
        return []
    sizes = pool_sizes(_connections(context), _max_connections(context))
    return [
        {
            "name": database.name,
            "users": [
                {"name": login.role, "password": login.password}
                for login in _logins(database, context, vault_apps[app.name])
            ],
            "mode": database.pooler.mode if database.pooler else "session",
            "size": sizes[app.name],
        }
        for app, database in local_databases(context)
    ]


@role_input
def pgbouncer_max_client_connections(context: Context) -> int:
    return max(MIN_CLIENT_CONNECTIONS, sum(count.opened for count in _connections(context)))


@role_input
def redis_maxmemory_mb(context: Context) -> int:
    return context.stack.redis.maxmemory_mb or int(context.memory_mb * REDIS_MEMORY_SHARE)


@role_input
def redis_maxmemory_policy(context: Context) -> str:
    return context.stack.redis.policy


@role_input
def redis_bind(context: Context) -> list[str]:
    return _listen(context)


@role_input
def redis_databases(context: Context) -> int:
    used = [app.redis_database for app in context.apps if app.redis_database is not None]
    return max([MIN_REDIS_DATABASES, *(2 * number + 2 for number in used)])


def _logins(database: ResolvedDatabase, context: Context, vault: Mapping[str, str]) -> list[Login]:
    """Return every login with which something may enter a database, now or until its application has moved."""
    owners = _owners(context)
    left = left_login(database, vault, owners)
    return [*present_logins(database, vault), *([left] if left else []), *former_logins(database, vault, owners)]


def _former_logins(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the logins that rotations have turned away from."""
    owners = _owners(context)
    return [
        {"role": login.role, "application": app.name}
        for app, database in local_databases(context)
        for login in former_logins(database, vault_apps[app.name], owners)
    ]


def _owners(context: Context) -> set[str]:
    return {database.name for _, database in local_databases(context)}


def _time_limits(database: ResolvedDatabase) -> dict[str, int]:
    limits = {
        "statement_timeout": database.statement_timeout,
        "lock_timeout": database.lock_timeout,
        "idle_in_transaction_session_timeout": database.idle_in_transaction_timeout,
    }
    return {name: seconds for name, seconds in limits.items() if seconds is not None}


def _connections(context: Context) -> list[Connections]:
    return [connections_of(app, context.topology) for app in context.apps]


def _hba_line(database: str, role: str, host: Host) -> dict[str, str]:
    return {
        "type": "hostssl",
        "database": database,
        "user": role,
        "address": f"{host.internal_address}/32",
        "method": "scram-sha-256",
    }


def _max_connections(context: Context) -> int:
    return connections_allowed(_connections(context), context.stack.postgresql.max_connections)


def _listen(context: Context) -> list[str]:
    return [LOOPBACK, context.host.internal_address] if context.clients() else [LOOPBACK]
