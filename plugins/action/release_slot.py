"""Action plugin of the module release_slot: knows whether the run that has the turn is gone."""

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

try:
    from roost.this_run import execute_in_turn
except ImportError as error:
    raise AnsibleActionFail(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class ActionModule(ActionBase):
    """Asks again, with that knowledge, when the turn is held by a run of this machine that has ended."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)

        def execute(arguments: dict[str, Any]) -> dict[str, Any]:
            result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
            return result

        return execute_in_turn(execute, self._task.args)
