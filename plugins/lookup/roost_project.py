"""The lookup `roost_project`: a copy of an environment's declaration, encrypted by the vault's password."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.parsing.vault import VaultLib
from ansible.plugins.lookup import LookupBase

try:
    from roost.environment import load_environment
    from roost.errors import RoostError
    from roost.project_copy import sealed_project
except ImportError as error:
    raise AnsibleLookupError(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class LookupModule(LookupBase):
    """Its terms are folders of environments."""

    def run(self, terms: Sequence[str], _variables: Any = None, **_options: Any) -> list[str]:
        vault = VaultLib(self._loader._vault.secrets)
        try:
            return [sealed_project(load_environment(Path(term)), vault) for term in terms]
        except RoostError as problem:
            raise AnsibleLookupError(str(problem)) from problem
