"""Turning an application over to the other login of its database, with new passwords.

Only a login that is shut gets a new password, so the server must be asked first which are open.
"""

from collections.abc import Collection, Iterable

from roost.derive.logins import present_logins
from roost.environment import Environment
from roost.errors import UsageError
from roost.events import Event, HostResult
from roost.model import ResolvedDatabase, runtime_role_of, second_login_of
from roost.secrets import (
    DATABASE_LOGIN,
    DATABASE_PASSWORD,
    FIRST,
    FORMER_DATABASE_PASSWORD,
    FORMER_RUNTIME_PASSWORD,
    RUNTIME_PASSWORD,
    SECOND,
    Vault,
    app_of,
    change_secrets,
    new_password,
)

DATABASE = "database"
_KEYS = {DATABASE_PASSWORD: FORMER_DATABASE_PASSWORD, RUNTIME_PASSWORD: FORMER_RUNTIME_PASSWORD}


class LoginsCollector:
    """Keeps what the server answered: `open` are the roles that may log in."""

    def __init__(self) -> None:
        self.open: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, HostResult) and event.task.module == "postgresql_logins":
            self.open = event.result.get("open", [])


def rotating_logins(environment: Environment, name: str, what: str) -> list[str]:
    """The roles that may ever log in to an application's database. Raises UsageError if its passwords can't rotate."""
    if what != DATABASE:
        app_of(environment, name)
        raise UsageError(
            f"{what} can't rotate by itself: only the passwords of a database do.",
            hint=f"roost secrets rotate {name} {DATABASE}; docs/postgresql.md tells how other secrets change.",
        )
    return [login for role in _roles(environment, name) for login in (role, second_login_of(role))]


def rotate_database(environment: Environment, vault: Vault, name: str, opened: Collection[str]) -> None:
    """Give the login that is not in use new passwords, and turn over to it.

    `opened` are the logins that the server lets in. Raises UsageError if the rotation before has not been finished.
    """
    database, roles = _database(environment, name), _roles(environment, name)

    def turn_over(secrets: dict[str, str]) -> None:
        uses_second = secrets.get(DATABASE_LOGIN) == SECOND
        _refuse_open(name, roles if uses_second else map(second_login_of, roles), opened)
        _refuse_shut(name, [login.role for login in present_logins(database, secrets)], opened)
        for key, former in _KEYS.items():
            if key in secrets:
                secrets[former], secrets[key] = secrets[key], new_password()
        secrets[DATABASE_LOGIN] = FIRST if uses_second else SECOND

    change_secrets(environment, vault, name, turn_over)


def _refuse_open(name: str, others: Iterable[str], opened: Collection[str]) -> None:
    if still := [role for role in others if role in opened]:
        raise UsageError(
            f"The last rotation of {name} is not finished: {' and '.join(still)} may still log in.",
            hint="Finish it first: roost up",
        )


def _refuse_shut(name: str, present: Iterable[str], opened: Collection[str]) -> None:
    if missing := [role for role in present if role not in opened]:
        raise UsageError(
            f"The database of {name} does not let {' and '.join(missing)} in yet, as the vault wants it.",
            hint="Apply what the vault has first: roost up",
        )


def _database(environment: Environment, name: str) -> ResolvedDatabase:
    database = app_of(environment, name).database
    if database is None:
        raise UsageError(f"{name} has no database.")
    if database.elsewhere:
        raise UsageError(f"The database of {name} is on a server elsewhere.", hint=_by_hand(name, database))
    return database


def _by_hand(name: str, database: ResolvedDatabase) -> str:
    if database.url:
        return (
            "Make a second login there, put it into the secret that database.url names by "
            f"`roost secrets set {name} NAME`, run roost up, and take the first one away."
        )
    return (
        f"Put another one into the vault by `roost secrets set {name} runtime_password` and run roost up: until the "
        "application has moved to its other slot, new connections are refused."
    )


def _roles(environment: Environment, name: str) -> list[str]:
    """The owner and the runtime role, even if it is switched off, unless another database's owner has that name."""
    database = _database(environment, name)
    owners = {app.database.name for app in environment.apps if app.database and not app.database.elsewhere}
    return [database.name, *({runtime_role_of(database.name)} - owners)]
