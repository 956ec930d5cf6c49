#!/usr/bin/python
"""Take the password of former logins away, once nothing serves with it any more."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database.logins import Former, open_logins, sessions, shut, still_open, users_of

DOCUMENTATION = r"""
module: postgresql_former_logins
short_description: Take the password of former logins away, once nothing serves with it any more
description:
  - A role that may not log in any more keeps its rights and what it owns, for another login acts as it.
  - Warns of those that are still in use, by what I(in_use) says or by a session over the network, and leaves them.
  - What PgBouncer keeps connected as such a role is ended.
  - In check mode it takes for granted that what is in use will have moved.
options:
  former:
    description: The logins, each with its C(role) and the C(application) that has left it.
    type: list
    elements: dict
    required: true
    suboptions:
      role: {description: Name of the role., type: str, required: true}
      application: {description: Name of the application., type: str, required: true}
  in_use:
    description: Who uses which login.
    type: list
    elements: dict
    default: []
    suboptions:
      role: {description: The role; empty if it is not known., type: str, default: ""}
      application: {description: The application; empty for all of them., type: str, default: ""}
      by: {description: What uses it, for people., type: str, required: true}
attributes:
  check_mode:
    support: full
author: The Roost authors
"""

EXAMPLES = r"""
- name: Take the former password of atlas away
  postgresql_former_logins:
    former: [{role: atlas_app, application: atlas}]
    in_use: [{role: atlas_app-2, application: atlas, by: atlas@blue.service on vm1}]
"""

RETURN = r"""
shut:
  description: The roles that may not log in any more since now.
  returned: success
  type: list
  elements: str
used:
  description: The roles that are still in use, each with what uses it.
  returned: success
  type: dict
"""

ARGUMENTS = {
    "former": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "role": {"type": "str", "required": True},
            "application": {"type": "str", "required": True},
        },
    },
    "in_use": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "role": {"type": "str", "default": ""},
            "application": {"type": "str", "default": ""},
            "by": {"type": "str", "required": True},
        },
    },
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    declared = [Former(**one) for one in module.params["former"]]
    used: dict[str, list[str]] = {}
    try:
        cluster = find_cluster()
        opened = open_logins(cluster, [former.role for former in declared])
        if opened and not module.check_mode:
            in_use = [*module.params["in_use"], *sessions(cluster, opened)]
            users = {former.role: users_of(former, in_use) for former in declared if former.role in opened}
            used = {role: found for role, found in users.items() if found}
        going = [role for role in opened if role not in used]
        for role in [] if module.check_mode else going:
            shut(cluster, role)
    except BackupError as problem:
        if not module.check_mode:
            module.fail_json(msg=str(problem))
        going = []
    if used:
        module.warn(still_open(used))
    module.exit_json(changed=bool(going), shut=going, used=used)


if __name__ == "__main__":
    main()
