"""Chooses the release that each application goes back to, from what app_releases found on all hosts."""

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

try:
    from roost.errors import RoostError
    from roost.rollback import (
        apps_to_roll_back,
        described,
        mismatch,
        refuse_mismatch,
        rollback_target,
        unknown_migrations,
    )
except ImportError as error:
    raise AnsibleActionFail(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class ActionModule(ActionBase):
    """Returns `targets`, what is known of the release of each application; needs no connection.

    `found` maps hosts to their applications.
    """

    _requires_connection = False
    _VALID_ARGS = frozenset({"apps", "to", "found", "allow_schema_mismatch"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        hosts = {host: {app["name"]: app for app in apps} for host, apps in dict(self._task.args["found"]).items()}
        known = list(next(iter(hosts.values())))
        to = str(self._task.args.get("to") or "")
        try:
            apps = apps_to_roll_back(known, list(self._task.args.get("apps") or []), to)
            states = {name: {host: found[name] for host, found in hosts.items()} for name in apps}
            targets = {name: rollback_target(name, states[name], to) for name in apps}
            if not self._task.args.get("allow_schema_mismatch"):
                for name in apps:
                    refuse_mismatch(name, states[name], targets[name])
        except RoostError as problem:
            return result | {"failed": True, "msg": str(problem), "rc": problem.exit_code}
        warnings = [
            mismatch(name, target, unknown)
            for name, target in targets.items()
            if (unknown := unknown_migrations(states[name], target))
        ]
        known_of = {name: described(name, states[name], target) for name, target in targets.items()}
        return result | {"changed": False, "targets": known_of, "warnings": warnings}
