#!/usr/bin/python
"""Tell how databases on servers elsewhere are."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_database.elsewhere import look

DOCUMENTATION = r"""
module: postgresql_report_elsewhere
short_description: Tell how databases on servers elsewhere are
description:
  - Asks what M(postgresql_report) asks, of one database each, with the login of its URL.
  - What that role has no right to see is left out, and told. A database that can't be reached hides no other.
  - Changes nothing, and waits for no lock longer than three seconds.
author: The Roost authors
options:
  databases:
    description: The databases.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "What people call it.", type: str, required: true}
      url: {description: "Its URL, with a password.", type: str, required: true}
  only: {description: "Look at the database of this name only; at all if empty.", type: str, default: ""}
"""

EXAMPLES = r"""
- name: Look at a database
  postgresql_report_elsewhere:
    databases: [{name: atlas, url: "{{ vault_apps.atlas.DATABASE_URL }}"}]
"""

RETURN = r"""
elsewhere:
  description: >-
    Of each database its name and problem, and if there is none, left_out, server and databases as M(postgresql_report)
    has them.
  returned: always
  type: list
  elements: dict
"""

DATABASE = {"name": {"type": "str", "required": True}, "url": {"type": "str", "required": True, "no_log": True}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "databases": {"type": "list", "elements": "dict", "required": True, "options": DATABASE},
            "only": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    wanted = [one for one in module.params["databases"] if module.params["only"] in ("", one["name"])]
    found = [look(one["name"], one["url"]) for one in wanted]
    module.exit_json(changed=False, elsewhere=found)


if __name__ == "__main__":
    main()
