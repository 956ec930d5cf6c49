"""Checks the environment's declaration and completes its secrets, before any host is touched.

Both happen on the controller only. Secrets are completed in check mode too: without them the other plays
could not show what they would change, and nothing on a host depends on them until a real run.
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

try:
    from roost.environment import load_environment
    from roost.errors import RoostError, UsageError
    from roost.secrets import ensure_secrets
except ImportError as error:
    raise AnsibleActionFail(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class ActionModule(ActionBase):
    """Returns `added`, the names of the secrets that were made up; `changed` is true if there are any."""

    _requires_connection = False
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            environment = load_environment(self._inventory(task_vars or {}))
            added = ensure_secrets(environment, VaultLib(self._loader._vault.secrets))
        except RoostError as problem:
            raise AnsibleActionFail("\n".join(filter(None, [str(problem), problem.hint]))) from None
        return result | {"changed": bool(added), "added": added}

    def _inventory(self, task_vars: dict[str, Any]) -> Path:
        """The one environment that this run is about."""
        if "stack" in load_extra_vars(self._loader):
            raise UsageError("stack can't be an extra variable; it belongs in group_vars/all/stack.yml only.")
        sources = task_vars["ansible_inventory_sources"]
        if len(sources) != 1 or not Path(sources[0]).exists():
            raise UsageError("A run is about one environment: give its folder once, like -i inventories/example.")
        return Path(sources[0])
