"""The lookup `roost_operator`: who runs this, such as anna@laptop."""

import os
import socket
from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

try:
    from roost.operator_name import operator_name
except ImportError as error:
    raise AnsibleLookupError(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class LookupModule(LookupBase):
    def run(self, _terms: Sequence[str], _variables: Any = None, **_options: Any) -> list[str]:
        return [operator_name(os.environ, socket.gethostname())]
