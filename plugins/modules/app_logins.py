#!/usr/bin/python
"""Tell with which logins the applications of a host reach their databases."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.logins import Use, logins_in_use, role_in
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_celery.errors import ProgramsError
from ansible.module_utils.roost_celery.supervisor import connect

DOCUMENTATION = r"""
module: app_logins
short_description: Tell with which logins the applications of a host reach their databases
description:
  - Looks at what runs, which has its own copy of the environment, and at what would be started next. Changes nothing.
  - Waits for what is about to end, such as the slot before the live one, as long as it has a login of I(former).
options:
  apps: {description: Names of the applications., type: list, elements: str, required: true}
  former: {description: Roles that the applications have left., type: list, elements: str, default: []}
  patience: {description: Seconds to wait for that., type: float, default: 60}
attributes:
  check_mode:
    support: full
author: The Roost authors
"""

EXAMPLES = r"""
- name: Look who still uses the former password
  app_logins:
    apps: [atlas]
    former: [atlas_app]
"""

RETURN = r"""
in_use:
  description: Each C(role) in use (empty if that can't be known) with its C(application) and what uses it (C(by)).
  returned: success
  type: list
  elements: dict
"""

ARGUMENTS = {
    "apps": {"type": "list", "elements": "str", "required": True},
    "former": {"type": "list", "elements": "str", "default": []},
    "patience": {"type": "float", "default": 60},
}
SUPERVISOR = Path("/run/supervisor.sock")
POLL_SECONDS = 0.5


def running_programs() -> dict[str, int]:
    """Return the processes of supervisor's programs."""
    if not SUPERVISOR.exists():
        return {}
    return {name: process.pid for name, process in connect().processes().items() if process.pid}


def uses(apps: list[AppPaths]) -> dict[str, list[Use]]:
    """Return what each application uses."""
    programs = running_programs()
    return {paths.name: logins_in_use(paths, Systemd(), programs) for paths in apps}


def leaving(apps: list[AppPaths], found: dict[str, list[Use]], former: list[str]) -> bool:
    """Tell whether an application that has moved still has processes from before that."""
    moved = [paths.name for paths in apps if role_in(paths.environment) not in former]
    return any(use.role in {"", *former} for name in moved for use in found[name])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    apps = [AppPaths(name) for name in module.params["apps"]]
    patience: float = 0 if module.check_mode else module.params["patience"]
    deadline = time.monotonic() + patience
    try:
        found = uses(apps)
        while leaving(apps, found, module.params["former"]) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            found = uses(apps)
    except (ProgramsError, OSError) as problem:
        module.fail_json(msg=str(problem))
    in_use: list[dict[str, Any]] = [
        {"role": use.role, "application": name, "by": use.by} for name, used in found.items() for use in used
    ]
    module.exit_json(changed=False, in_use=in_use)


if __name__ == "__main__":
    main()
