#!/usr/bin/python
"""Note that the changes of a tree have been applied."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.settle import settle
from ansible.module_utils.config_tree.state import DEFAULT_ROOT, State

DOCUMENTATION = r"""
module: config_tree_settle
short_description: Note that the changes of a configuration tree have been applied
description:
  - Removes the marks that M(config_tree) made before it changed files. Run it as the last handler, after the
    service has been reloaded or restarted. If one of those fails, the marks stay and the next run tries again.
  - Ends the wait of I(confirm_within). Fails if the change has been taken back already.
  - Is skipped in check mode.
author: The Roost authors
options:
  name:
    description: Name of the tree.
    type: str
    required: true
  state_directory:
    description: Where the state of all trees is kept on the host.
    type: str
    default: /var/lib/roost/config_tree
attributes:
  check_mode: {support: none, description: Skipped.}
seealso:
  - module: config_tree
"""

EXAMPLES = r"""
- name: Settle nginx
  listen: [Reload nginx, Restart nginx]
  config_tree_settle:
    name: nginx
"""

RETURN = r"""
settled:
  description: Topics whose marks were removed.
  returned: success
  type: list
  elements: str
  sample: [reload]
"""


def main() -> None:
    module = AnsibleModule(
        {"name": {"type": "str", "required": True}, "state_directory": {"type": "str", "default": DEFAULT_ROOT}}
    )
    try:
        settled = settle(State(module.params["state_directory"], module.params["name"]))
    except TreeError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, settled=settled)


if __name__ == "__main__":
    main()
