"""Databases elsewhere: what is made there, how they are reached, and what is dumped of them.

The first host that runs applications works for all of them; each looks whether it reaches those of its own. They are
called by the names of their applications.
"""

from collections.abc import Callable, Mapping
from typing import Any

from roost.database_url import server_of
from roost.derive.context import Context, role_input
from roost.derive.data import declared_database, declared_roles
from roost.derive.logins import Login, owner_login, serving_login
from roost.model import ResolvedApp, ResolvedDatabase, wanted_dumps

type Vault = Mapping[str, Mapping[str, str]]


def dumped_databases(context: Context) -> list[tuple[ResolvedApp, ResolvedDatabase, int]]:
    """Return the applications of whose databases this host keeps dumps, and how many."""
    backups = context.stack.backups
    if backups is None or not context.is_first("app"):
        return []
    found = [(app, database, wanted_dumps(database, backups)) for app, database in _elsewhere(context)]
    return [(app, database, dumps) for app, database, dumps in found if dumps]


@role_input
def postgresql_elsewhere(context: Context, vault_apps: Vault) -> list[dict[str, Any]]:
    """Return what Roost makes on servers elsewhere, with the URL of their administrators."""
    return [
        {
            "name": app.name,
            "admin_url": server_of(database.admin_url).admin_url(),
            "roles": declared_roles(database, vault_apps[app.name]),
            "database": declared_database(database),
        }
        for app, database in _elsewhere(context)
        if database.admin_url
    ]


@role_input
def databases_examined(context: Context) -> list[dict[str, str]]:
    """Return the databases elsewhere with the URLs of those who see most, the administrators if they are known."""
    return [{"name": app.name, "url": _examining_url(database)} for app, database in _elsewhere(context)]


@role_input
def databases_reached(context: Context, vault_apps: Vault) -> list[dict[str, str]]:
    """Return the databases elsewhere of this host's applications, as these reach them."""
    if not (context.plays("app") or context.plays("worker")):
        return []
    return [
        {"name": app.name, "url": _url(database, serving_login, vault_apps.get(app.name, {}))}
        for app, database in _elsewhere(context)
    ]


@role_input
def backup_databases(context: Context, vault_apps: Vault) -> list[dict[str, Any]]:
    """Return the databases elsewhere that this host dumps, as their owners, and how many dumps are kept."""
    return [
        {"name": app.name, "url": _url(database, owner_login, vault_apps.get(app.name, {})), "dumps": dumps}
        for app, database, dumps in dumped_databases(context)
    ]


def _elsewhere(context: Context) -> list[tuple[ResolvedApp, ResolvedDatabase]]:
    return [(app, app.database) for app in context.apps if app.database and app.database.elsewhere]


def _examining_url(database: ResolvedDatabase) -> str:
    return server_of(database.admin_url).admin_url(database.name) if database.admin_url else database.url or ""


def _url(
    database: ResolvedDatabase,
    login_of: Callable[[ResolvedDatabase, Mapping[str, str]], Login],
    vault: Mapping[str, str],
) -> str:
    if not database.admin_url:
        return database.url or ""
    login = login_of(database, vault)
    return server_of(database.admin_url).url(login.role, login.password, database.name)
