#!/usr/bin/python
"""Tell which roles may log in to PostgreSQL."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.logins import open_logins

DOCUMENTATION = r"""
module: postgresql_logins
short_description: Tell which roles may log in to PostgreSQL
description:
  - Changes nothing.
options:
  roles:
    description: Names of the roles to be asked about. They need not exist.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
author: The Roost authors
"""

EXAMPLES = r"""
- name: Look which roles may log in
  postgresql_logins:
    roles: [atlas_app, atlas_app-2]
"""

RETURN = r"""
open:
  description: Those of the roles that may log in.
  returned: success
  type: list
  elements: str
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={"roles": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    try:
        found = open_logins(find_cluster(), module.params["roles"])
    except BackupError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=False, open=found)


if __name__ == "__main__":
    main()
