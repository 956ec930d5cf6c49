#!/usr/bin/python
"""Tell which releases of the applications there are on a host, and what became of them."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.catalogue import catalogue
from ansible.module_utils.roost_app.paths import AppPaths

DOCUMENTATION = r"""
module: app_releases
short_description: Tell which releases of the applications there are on a host
description:
  - Reads the releases of each application, its history and its lock. Changes nothing.
author: The Roost authors
options:
  apps: {description: Names of the applications., type: list, elements: str, required: true}
"""

EXAMPLES = r"""
- name: Look at the releases
  app_releases:
    apps: [atlas]
  register: found
"""

RETURN = r"""
apps:
  description: >-
    Of each application its name, live (a release), earlier (the good ones before it, the nearest first), good (all
    that a rollback may name), lock (who, since, why; or nothing), turn (the run that deploys; or nothing), releases
    (each with id, state, reason, version, commit, source, who, when and phases, in seconds) and history (the last
    attempts).
  returned: always
  type: list
  elements: dict
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={"apps": {"type": "list", "elements": "str", "required": True}}, supports_check_mode=True
    )
    module.exit_json(changed=False, apps=[catalogue(AppPaths(name)) for name in module.params["apps"]])


if __name__ == "__main__":
    main()
