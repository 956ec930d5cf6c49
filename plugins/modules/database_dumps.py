#!/usr/bin/python
"""Dump databases on servers elsewhere, verify the dumps, let go of what is old."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_dumps.dumping import Dumped, NewerServerError, Run, refuse_newer_server

DOCUMENTATION = r"""
module: database_dumps
short_description: Dump databases on servers elsewhere
description:
  - Dumps each database by C(pg_dump) with the login of its URL into C(/var/backups/roost/databases), which root alone
    may read, reads the dump's table of contents, and removes all but the newest dumps.
  - A database that fails doesn't keep the others from being dumped; the module fails in the end.
  - Its state is in C(/var/lib/roost/backup/dumps.json), and as metrics for Prometheus' node exporter.
author: The Roost authors
options:
  databases:
    description: The databases.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "What people call it; its dumps are named after it.", type: str, required: true}
      url: {description: "Its URL, with the password of a role that may read everything.", type: str, required: true}
      dumps: {description: "How many dumps are kept.", type: int, required: true}
  only_check:
    description: Whether to dump nothing, but fail if a server is newer than C(pg_dump) of this host.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Dump a database
  database_dumps:
    databases: [{name: atlas, url: "{{ vault_apps.atlas.DATABASE_URL }}", dumps: 2}]
"""

RETURN = r"""
dumps:
  description: What was made, with name, file, ended, seconds and bytes.
  returned: always
  type: list
  elements: dict
"""

DATABASE = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True, "no_log": True},
    "dumps": {"type": "int", "required": True},
}
ARGUMENTS = {
    "databases": {"type": "list", "elements": "dict", "required": True, "options": DATABASE},
    "only_check": {"type": "bool", "default": False},
}


def check(module: AnsibleModule, databases: list[Dumped]) -> None:
    """Fail if a server is too new; one that doesn't answer now may do so at night."""
    for database in databases:
        try:
            refuse_newer_server(database.url)
        except NewerServerError as problem:
            module.fail_json(msg=f"The database of {database.name} can't be dumped: {problem}.")
        except BackupError as problem:
            module.warn(f"The database of {database.name} doesn't answer: {str(problem).splitlines()[0]}")
    module.exit_json(changed=False, dumps=[])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    databases = [Dumped(one["name"], one["url"], one["dumps"]) for one in module.params["databases"]]
    if module.params["only_check"]:
        check(module, databases)
    if module.check_mode:
        module.exit_json(changed=True, dumps=[])
    run = Run(databases)
    try:
        with lock.held("backup"):
            run.do()
    except (BackupError, OSError) as problem:
        module.fail_json(msg=f"The dump failed: {problem}")
    module.exit_json(changed=True, dumps=run.made)


if __name__ == "__main__":
    main()
