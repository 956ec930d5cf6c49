#!/usr/bin/python
"""Take an application's turn, so that nobody else deploys it, or give it back."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.errors import ReleaseError, as_result
from ansible.module_utils.roost_app.history import DEPLOY, ROLLBACK
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.turns import begin_turns, end_all

DOCUMENTATION = r"""
module: app_turn
short_description: Take the turn of applications, so that nobody else deploys them, or give it back
description:
  - A turn lasts from the first task of a deploy or rollback to its last, across all modules in between. It is a file on
    the host that names the run, renewed by each module of that run. While another run has it, the module fails with
    C(rc=75) and says who deploys since when.
  - A run that was killed leaves its turn. It is taken over 180 seconds after its last sign of life, or at once if it
    ran on this controller and its process is gone. What it did is then recorded as abandoned, and what was built of a
    release is removed. A build that still runs for it is ended; release commands and a switch are waited for.
  - Its action plugin adds what names the run.
author: The Roost authors
options:
  apps: {description: Names of the applications., type: list, elements: str, required: true}
  state: {description: "C(taken), or C(free) at the end.", type: str, choices: [taken, free], default: taken}
  kind: {description: What the run does., type: str, choices: [deploy, rollback], default: deploy}
  who: {description: Who deploys., type: str, default: ansible}
  run: {description: Set by the action plugin; the run of Ansible., type: str, default: ""}
  gone: {description: Set by the action plugin; a run that is known to have ended., type: str, default: ""}
"""

EXAMPLES = r"""
- name: Take the turn
  app_turn:
    apps: [atlas]
    who: anna@laptop
  register: turn
"""

RETURN = r"""
run: {description: What the modules of this run must be given., returned: always, type: str}
held_by: {description: The run that has the turn., returned: when it is another one's, type: str}
turns:
  description: What each application's turn was when it was given back (C(free)), such as its outcome and reason.
  returned: success
  type: dict
"""

ARGUMENTS = {
    "apps": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["taken", "free"], "default": "taken"},
    "kind": {"type": "str", "choices": [DEPLOY, ROLLBACK], "default": DEPLOY},
    "who": {"type": "str", "default": "ansible"},
    "run": {"type": "str", "default": ""},
    "gone": {"type": "str", "default": ""},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    apps = [AppPaths(name) for name in params["apps"]]
    turns: dict[str, Any] = {}
    try:
        if params["state"] == "taken":
            for warning in begin_turns(apps, params, module.check_mode):
                module.warn(warning)
        elif not module.check_mode:
            turns = end_all(apps, params["run"])
    except (ReleaseError, OSError) as problem:
        module.fail_json(**as_result(problem))
    module.exit_json(changed=False, run=params["run"], turns=turns)


if __name__ == "__main__":
    main()
