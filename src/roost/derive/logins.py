"""The roles that log in to an application's database: its owner, and the limited one as which its processes do.

Each has two logins, of which one is in use: a rotation of the passwords turns over to the other one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roost.model import ResolvedDatabase, runtime_role_of, second_login_of
from roost.secrets import (
    DATABASE_LOGIN,
    DATABASE_PASSWORD,
    FORMER_DATABASE_PASSWORD,
    FORMER_RUNTIME_PASSWORD,
    RUNTIME_PASSWORD,
    SECOND,
)


@dataclass(frozen=True)
class Login:
    """A role and its password. `acts_as` is the role as which it does what it does, mostly itself."""

    role: str
    password: str
    acts_as: str


def owner_login(database: ResolvedDatabase, vault: Mapping[str, str]) -> Login:
    """Return the owner's login."""
    return _present(database.name, str(vault[DATABASE_PASSWORD]), vault)


def serving_login(database: ResolvedDatabase, vault: Mapping[str, str]) -> Login:
    """Return the login of the processes that serve."""
    if database.runtime_role is None:
        return owner_login(database, vault)
    return _present(database.runtime_role, str(vault[RUNTIME_PASSWORD]), vault)


def present_logins(database: ResolvedDatabase, vault: Mapping[str, str]) -> list[Login]:
    """Return the owner's login and that of what serves, if it is another one."""
    return [*dict.fromkeys([owner_login(database, vault), serving_login(database, vault)])]


def left_login(database: ResolvedDatabase, vault: Mapping[str, str], owners: Iterable[str]) -> Login | None:
    """Return the login of a runtime role that was switched off: the application serves with it until it has moved.

    None if the role is the owner of another database by now.
    """
    role, password = runtime_role_of(database.name), vault.get(RUNTIME_PASSWORD)
    if database.runtime_role is not None or not password or role in owners:
        return None
    return _present(role, str(password), vault)


def former_logins(database: ResolvedDatabase, vault: Mapping[str, str], owners: Iterable[str]) -> list[Login]:
    """Return the logins before the last rotation, with which the application serves until it has moved."""
    roles = {database.name: FORMER_DATABASE_PASSWORD, runtime_role_of(database.name): FORMER_RUNTIME_PASSWORD}
    return [
        _login(role, str(vault[key]), second=not _uses_second(vault))
        for role, key in roles.items()
        if vault.get(key) and (role == database.name or role not in owners)
    ]


def _present(role: str, password: str, vault: Mapping[str, str]) -> Login:
    return _login(role, password, second=_uses_second(vault))


def _login(role: str, password: str, *, second: bool) -> Login:
    return Login(second_login_of(role) if second else role, password, role)


def _uses_second(vault: Mapping[str, str]) -> bool:
    return vault.get(DATABASE_LOGIN) == SECOND
