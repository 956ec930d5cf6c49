"""The roles that log in to an application's database: its owner, and the limited one as which its processes do."""

from collections.abc import Mapping
from dataclasses import dataclass

from roost.model import ResolvedDatabase, runtime_role_of
from roost.secrets import DATABASE_PASSWORD, RUNTIME_PASSWORD


@dataclass(frozen=True)
class Login:
    """A role and its password."""

    role: str
    password: str


def owner_login(database: ResolvedDatabase, vault: Mapping[str, str]) -> Login:
    """Return the owner's login."""
    return Login(database.name, str(vault[DATABASE_PASSWORD]))


def serving_login(database: ResolvedDatabase, vault: Mapping[str, str]) -> Login:
    """Return the login of the processes that serve."""
    if database.runtime_role is None:
        return owner_login(database, vault)
    return Login(database.runtime_role, str(vault[RUNTIME_PASSWORD]))


def left_login(database: ResolvedDatabase, vault: Mapping[str, str]) -> Login | None:
    """Return the login of a runtime role that was switched off: the application serves with it until it has moved."""
    password = vault.get(RUNTIME_PASSWORD)
    if database.runtime_role is not None or not password:
        return None
    return Login(runtime_role_of(database.name), str(password))
