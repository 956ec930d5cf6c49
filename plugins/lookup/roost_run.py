"""The lookup `roost_run`: the run of Ansible that this is, by which hosts tell it from others."""

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

try:
    from roost.this_run import this_run
except ImportError as error:
    raise AnsibleLookupError(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class LookupModule(LookupBase):
    def run(self, _terms: Sequence[str], _variables: Any = None, **_options: Any) -> list[str]:
        return [this_run()]
