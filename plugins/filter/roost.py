"""The filters `roost_*`: each is the function of the same name in `roost.derive`."""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

try:
    from roost import derive
    from roost.errors import RoostError
except ImportError as error:
    raise AnsibleFilterError(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


def as_filter(name: str) -> Callable[..., Any]:
    def apply(*args: Any, **kwargs: Any) -> Any:
        try:
            return derive.find(name)(*args, **kwargs)
        except RoostError as problem:
            raise AnsibleFilterError(str(problem)) from problem

    return apply


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {f"roost_{name}": as_filter(name) for names in derive.FILTERS.values() for name in names}
