#!/usr/bin/python
"""Remove databases and roles that are no longer wanted."""

from __future__ import annotations

import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.cluster import Cluster, find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.removal import Removal, drop_database, drop_role, plan

DOCUMENTATION = r"""
module: postgresql_removal
short_description: Remove databases and roles that are no longer wanted
description:
  - Without I(remove) it warns of what would be removed, and changes nothing.
  - A database is dumped in C(pg_dump)'s custom format first, into a folder of the user C(postgres). Its sessions are
    ended before, and no application can connect to it from then on.
  - Nothing at all is removed while a role that is to go still owns something, or has rights on something, besides the
    databases that are to go.
  - What isn't there is left alone.
options:
  databases:
    description: Names of the databases.
    type: list
    elements: str
    default: []
  roles:
    description: Names of the roles, removed after the databases.
    type: list
    elements: str
    default: []
  declared:
    description: Names of databases and roles that stay; none of them may be removed.
    type: list
    elements: str
    default: []
  remove:
    description: Whether to remove them.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
author: The Roost authors
"""

EXAMPLES = r"""
- name: An application that is gone for good
  postgresql_removal:
    databases: [old]
    roles: [old]
    declared: [atlas]
    remove: "{{ postgresql_remove | bool }}"
"""

RETURN = r"""
databases:
  description: The databases that were removed, or would be.
  returned: success
  type: list
  elements: str
roles:
  description: The roles that were removed, or would be.
  returned: success
  type: list
  elements: str
dumps:
  description: The paths of the last dumps.
  returned: success
  type: list
  elements: str
"""

ARGUMENTS = {
    "databases": {"type": "list", "elements": "str", "default": []},
    "roles": {"type": "list", "elements": "str", "default": []},
    "declared": {"type": "list", "elements": "str", "default": []},
    "remove": {"type": "bool", "default": False},
}
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
POSTGRESQL_OWN = re.compile(r"postgres|template[01]|pg_.*")


def problems(names: list[str], declared: list[str]) -> list[str]:
    """Why these names can't be removed; empty when they can."""
    return [
        *(f"{name!r} is no plain name" for name in names if not PLAIN_NAME.fullmatch(name)),
        *(f"{name} belongs to PostgreSQL itself" for name in names if POSTGRESQL_OWN.fullmatch(name)),
        *(f"{name} is declared and to be removed" for name in names if name in declared),
    ]


def named(databases: list[str], roles: list[str]) -> str:
    """`the database old, the role old`."""
    groups = [("database", databases), ("role", roles)]
    return ", ".join(f"the {kind}{'s' if len(names) > 1 else ''} {', '.join(names)}" for kind, names in groups if names)


def standing_against(removal: Removal) -> str:
    """Say why roles can't go; empty if they can."""
    return "; ".join(
        f"the role {role} still has {what}. As the user postgres, in each such database: REASSIGN OWNED BY "
        f'"{role}" TO another role, then DROP OWNED BY "{role}"'
        for role, what in removal.kept.items()
    )


def announcement(removal: Removal) -> str:
    """Say what would be removed, and how."""
    against = standing_against(removal)
    return (
        f"Still there, though they are to be removed: {named(removal.databases, removal.roles)}. "
        "`roost up --remove-databases` (-e postgresql_remove=true) removes them, after a last dump of each database."
        + (f" Before that, {against}." if against else "")
    )


def carry_out(cluster: Cluster, removal: Removal) -> list[str]:
    """Remove everything, and return the paths of the dumps. Raises BackupError."""
    files: list[str] = []
    try:
        with lock.held("removal of databases"):
            for name in removal.databases:
                file = drop_database(cluster, name)
                files.append(str(file))
            for role in removal.roles:
                drop_role(cluster, role)
    except BackupError as problem:
        raise BackupError(f"{problem}\n{farewell(files)}" if files else str(problem)) from None
    return files


def farewell(files: list[str]) -> str:
    """Say where the dumps are."""
    return f"The last dumps of the databases that were removed: {', '.join(files)}."


def planned(module: AnsibleModule) -> Removal:
    """See what there is to remove: nothing on a bare host, which only a check finds. Raises BackupError."""
    try:
        return plan(find_cluster(), module.params["databases"], module.params["roles"])
    except BackupError:
        if module.check_mode:
            return Removal()
        raise


def main() -> None:
    """Look, and unless in check mode or not told so, remove."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    if found := problems([*params["databases"], *params["roles"]], params["declared"]):
        module.fail_json(msg="; ".join(found))
    files: list[str] = []
    try:
        removal = planned(module)
        changed = params["remove"] and bool(removal.databases or removal.roles)
        if changed and removal.kept:
            raise BackupError(f"Nothing was removed: {standing_against(removal)}.")
        if changed and not module.check_mode:
            files = carry_out(find_cluster(), removal)
    except BackupError as problem:
        module.fail_json(msg=str(problem))
    if files:
        module.warn(farewell(files))
    if not params["remove"] and (removal.databases or removal.roles):
        module.warn(announcement(removal))
    module.exit_json(changed=changed, databases=removal.databases, roles=removal.roles, dumps=files)


if __name__ == "__main__":
    main()
