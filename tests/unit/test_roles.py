"""What holds for every role: its inputs are declared once in two places that agree, and it is tested and documented."""

from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
MANAGED = "Managed by Roost: changes made here are overwritten."
TASKS_IN_MAIN = 8

pytestmark = pytest.mark.parametrize("role", ROLES)


def load(role: str, path: str) -> Any:
    return yaml.safe_load((REPOSITORY / "roles" / role / path).read_text())


def options(role: str) -> dict[str, dict[str, Any]]:
    main: dict[str, dict[str, dict[str, Any]]] = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]
    return main.get("options", {})


def test_defaults_and_argument_specs_agree(role: str) -> None:
    defaults = load(role, "defaults/main.yml") or {}
    specs = options(role)
    assert set(defaults) == {name for name, option in specs.items() if not option.get("required")}
    assert {name: option["default"] for name, option in specs.items() if "default" in option} == defaults


def test_every_input_is_described_and_named_after_the_role(role: str) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role}_")
        assert option.get("description"), name


def test_every_default_has_a_comment(role: str) -> None:
    lines = (REPOSITORY / "roles" / role / "defaults" / "main.yml").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"{role}_"):
            above = lines[:number]
            while above and above[-1].startswith(f"{role}_"):
                above.pop()
            assert "".join(above[-1:]).startswith("#"), line


def test_secrets_are_strings_and_never_logged(role: str) -> None:
    for name, option in options(role).items():
        if name.endswith(("_password", "_secret", "_token")):
            assert option["type"] == "str", name
            assert option.get("no_log"), name


def test_main_tasks_are_short(role: str) -> None:
    assert len(load(role, "tasks/main.yml")) <= TASKS_IN_MAIN


def test_role_has_a_scenario_with_tests(role: str) -> None:
    scenario = REPOSITORY / "molecule" / role
    assert (scenario / "molecule.yml").is_file()
    assert list(scenario.glob("tests/test_*.py"))


def test_templates_say_who_manages_them(role: str) -> None:
    for template in (REPOSITORY / "roles" / role).glob("templates/**/*.j2"):
        if not template.name.startswith("_"):
            head = "\n".join(template.read_text().splitlines()[:3])
            assert MANAGED in head, template
