"""The documents are current and can be read, and the schema says the same as the model."""

import ast
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from roost.docs.stack import stack_reference
from roost.schema import stack_schema
from tests.unit.environments import GOOD_STACK

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("name", "text"),
    [("stack.md", stack_reference()), ("stack.schema.json", json.dumps(stack_schema(), indent=2) + "\n")],
)
def test_the_generated_documents_are_current(name: str, text: str) -> None:
    assert (ROOT / "docs" / name).read_text() == text, "run scripts/generate-docs"


def test_the_schema_accepts_what_is_valid_and_refuses_what_is_not() -> None:
    schema = json.loads((ROOT / "docs" / "stack.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(GOOD_STACK))
    assert validator.is_valid(
        yaml.safe_load((ROOT / "inventories" / "example" / "group_vars" / "all" / "stack.yml").read_text())
    )
    for old, new in (("django", "djano"), ("wsgi:", "wsig:"), ("name: atlas", "name: At las"), ("stack:", "stak:")):
        assert not validator.is_valid(yaml.safe_load(GOOD_STACK.replace(old, new, 1)))


def test_nothing_in_the_schema_may_be_null() -> None:
    assert "null" not in json.dumps(stack_schema())


@pytest.mark.parametrize(
    "plugin", [*ROOT.glob("plugins/modules/*.py"), *ROOT.glob("plugins/callback/*.py")], ids=lambda path: path.stem
)
def test_ansible_can_read_what_a_plugin_says_of_itself(plugin: Path) -> None:
    texts = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(plugin.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in {"DOCUMENTATION", "EXAMPLES", "RETURN"}
    }
    assert {name: type(yaml.safe_load(text)) for name, text in texts.items() if name == "DOCUMENTATION"} == {
        "DOCUMENTATION": dict
    }
    for text in texts.values():
        yaml.safe_load(text)
