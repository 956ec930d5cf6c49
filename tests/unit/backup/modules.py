"""A module of backups, run in this process: what it would print, without a host."""

from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


class EndedError(SystemExit):
    """The module has printed its result."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(0)
        self.result = result


class FakeAnsibleModule:
    """It validates arguments as Ansible does, and ends by raising."""

    given: dict[str, Any]
    check_mode = False
    warnings: list[str]

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool) -> None:
        assert supports_check_mode
        validated = ArgumentSpecValidator(argument_spec).validate(self.given)
        assert validated.error_messages == []
        self.params: dict[str, Any] = validated.validated_parameters

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        raise EndedError(result | {"failed": False})

    def fail_json(self, **result: Any) -> None:
        raise EndedError(result | {"failed": True})


def run_module(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, arguments: dict[str, Any], *, check: bool = False
) -> dict[str, Any]:
    """Return the module's result, with `failed` and `warnings`."""
    warnings: list[str] = []
    body = {"given": arguments, "check_mode": check, "warnings": warnings}
    monkeypatch.setattr(module, "AnsibleModule", type("Fake", (FakeAnsibleModule,), body))
    with pytest.raises(EndedError) as ended:
        module.main()
    return ended.value.result | {"warnings": warnings}
