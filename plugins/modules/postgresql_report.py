#!/usr/bin/python
"""Tell how the databases of this host are."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.cluster import Cluster, find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.asking import answer
from ansible.module_utils.roost_database.inside import look_inside
from ansible.module_utils.roost_database.server import SERVER

DOCUMENTATION = r"""
module: postgresql_report
short_description: Tell how the databases of this host are
description:
  - Asks PostgreSQL for connections, old transactions, replication slots and the age of transaction numbers, and in each
    database for dead rows, wasted space, indexes that are invalid or never used, sequences that come to their end, and
    the slowest statements.
  - Wasted space is an estimate from the planner's statistics, and only of tables and B-tree indexes of more than 10 MB.
  - Changes nothing, and waits for no lock longer than three seconds.
author: The Roost authors
options:
  database:
    description: Look into this database only. All but C(postgres) and the templates if empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Look at the databases
  postgresql_report:
"""

RETURN = r"""
report:
  description: The server and its databases; the keys are those of C(roost database --json).
  returned: always
  type: dict
"""

NOT_LOOKED_INTO = "postgres"


def report(cluster: Cluster, database: str) -> dict[str, Any]:
    """Return the state of the server and of the databases that were asked for. Raises BackupError."""
    server = answer(cluster, SERVER)
    databases = {one["name"]: one for one in server.pop("databases")}
    if database and database not in databases:
        raise BackupError(f"there is no database {database}; there are: {', '.join(databases)}")
    names = [database] if database else [name for name in databases if name != NOT_LOOKED_INTO]
    return {
        "server": server,
        "databases": [{**databases[name], **look_inside(cluster, name)} for name in names],
    }


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(argument_spec={"database": {"type": "str", "default": ""}}, supports_check_mode=True)
    try:
        found = report(find_cluster(), module.params["database"])
    except BackupError as problem:
        module.fail_json(msg=f"The databases can't be told of: {problem}")
    module.exit_json(changed=False, report=found)


if __name__ == "__main__":
    main()
