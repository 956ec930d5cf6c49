"""A second login of a role: it has a password of its own, and all that it does is done as the role (`SET role`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible.module_utils.roost_database.runtime_role import limit_role, setting_value
from ansible.module_utils.roost_database.sql import literal, quoted

ACTS_AS = "role"


def wanted_settings(acts_as: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the login, as SQL has them; `settings` are the role's, which no other session has."""
    return {**settings, ACTS_AS: literal(acts_as)}


def as_sql(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings of the catalogue with their values as SQL has them."""
    return {name: setting_value(name, value) for name, value in settings.items()}


def changes(wanted: Mapping[str, str], has: Mapping[str, str]) -> dict[str, str | None]:
    """Return the settings that differ, with the value that each shall have; None for one that shall go."""
    gone = dict.fromkeys(name for name in has if name not in wanted)
    return {**{name: value for name, value in wanted.items() if has.get(name) != value}, **gone}


def put_under(
    login: str, acts_as: str, powers: Collection[str], memberships: Collection[Mapping[str, str]]
) -> list[str]:
    """Return what makes the login a member of the role, and of no other. It can enter no database before."""
    others = [given for given in memberships if given["role"] != acts_as]
    is_member = len(others) < len(memberships)
    return [
        *limit_role(login, powers, others),
        *([] if is_member else [f"GRANT {quoted(acts_as)} TO {quoted(login)}"]),
    ]
