"""Action plugin of the module app_turn: names this run, and knows whether the one that has the turn is gone."""

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

try:
    from roost.this_run import is_gone, this_run
except ImportError as error:
    raise AnsibleActionFail(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class ActionModule(ActionBase):
    """Asks again, with that knowledge, when the turn is held by a run of this machine that has ended."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        arguments = {**self._task.args, "run": this_run()}
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        holder = str(result.get("held_by", ""))
        if holder and is_gone(holder):
            result = self._execute_module(module_args={**arguments, "gone": holder}, task_vars=task_vars)
        return result
