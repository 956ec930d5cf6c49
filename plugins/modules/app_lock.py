#!/usr/bin/python
"""Lock applications against deploys and rollbacks, unlock them, or require that they are not locked."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.errors import LockHeldError, ReleaseError
from ansible.module_utils.roost_app.history import now
from ansible.module_utils.roost_app.operator_lock import OperatorLock, read_lock, refuse_if_locked, write_lock
from ansible.module_utils.roost_app.paths import AppPaths

DOCUMENTATION = r"""
module: app_lock
short_description: Lock applications against deploys and rollbacks
description:
  - The lock is a file on the host, so everybody who deploys from anywhere meets it, and it survives a reboot.
    It stops deploys and rollbacks. A deploy that is running is not interrupted, and what serves is not touched.
  - A lock of somebody else is never replaced. The module then fails with C(rc=75) and says who holds it.
  - Unlocking also ends the turn of a run (M(app_turn)). One that is still alive stops at its next task.
author: The Roost authors
options:
  apps: {description: Names of the applications., type: list, elements: str, required: true}
  state:
    description: C(present) locks, C(absent) unlocks, C(free) changes nothing and fails if one is locked.
    type: str
    choices: [present, absent, free]
    default: present
  reason: {description: Why it is locked., type: str, default: ""}
  who: {description: Who locks., type: str, default: ansible}
"""

EXAMPLES = r"""
- name: Lock the application while the database is moved
  app_lock:
    apps: [atlas]
    reason: the database moves
    who: anna
"""

RETURN = r"""
locks:
  description: >-
    The locks that there are now (C(present)) or were before (C(absent)), by application, each with who, since and why.
  returned: success
  type: dict
"""

ARGUMENTS = {
    "apps": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "free"], "default": "present"},
    "reason": {"type": "str", "default": ""},
    "who": {"type": "str", "default": "ansible"},
}


def lock(apps: list[AppPaths], wanted: OperatorLock, check_mode: bool) -> dict[str, Any]:
    """Lock those that are not locked. The same lock, asked for again, is no change; another one is refused."""
    held = {paths.name: read_lock(paths.operator_lock) for paths in apps}
    for name, there in held.items():
        if there and (there.who, there.why) != (wanted.who, wanted.why):
            raise LockHeldError(there.describe(name))
    to_lock = [paths for paths in apps if held[paths.name] is None]
    for paths in [] if check_mode else to_lock:
        if not paths.root.is_dir():
            raise ReleaseError(f"{paths.name} is not on this host yet: there is nothing to lock")
        write_lock(paths.operator_lock, wanted)
    return {"changed": bool(to_lock), "locks": {name: vars(there or wanted) for name, there in held.items()}}


def unlock(apps: list[AppPaths], check_mode: bool) -> dict[str, Any]:
    """Take the locks away, whoever holds them, and the turns of deploys: those that still run do nothing more."""
    held = {paths: there for paths in apps if (there := read_lock(paths.operator_lock))}
    to_free = [paths for paths in apps if paths in held or paths.turn.exists()]
    for paths in [] if check_mode else to_free:
        paths.operator_lock.unlink(missing_ok=True)
        paths.turn.unlink(missing_ok=True)
    return {"changed": bool(to_free), "locks": {paths.name: vars(there) for paths, there in held.items()}}


def require_free(apps: list[AppPaths]) -> dict[str, Any]:
    """Raise LockHeldError if one is locked."""
    for paths in apps:
        refuse_if_locked(paths)
    return {"changed": False, "locks": {}}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    apps = [AppPaths(name) for name in params["apps"]]
    wanted = OperatorLock(params["who"], now(), params["reason"])
    try:
        result = {
            "present": lambda: lock(apps, wanted, module.check_mode),
            "absent": lambda: unlock(apps, module.check_mode),
            "free": lambda: require_free(apps),
        }[params["state"]]()
    except ReleaseError as problem:
        module.fail_json(msg=str(problem), rc=problem.exit_code)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
