"""What the modules say of their arguments is what they take."""

from typing import Any

import pytest
import yaml

from tests.support.modules import load_module
from tests.support.project import REPOSITORY

# What it documents is what its action plugin takes; that hands over something else.
OF_AN_ACTION = {"config_tree"}
MODULES = sorted({path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")} - OF_AN_ACTION)
# What these consist of is told in a sentence.
IN_WORDS = {"certificates", "roles", "databases"}


class TakenError(Exception):
    """The arguments are known: nothing else of the module is wanted."""


def arguments_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    taken: dict[str, Any] = {}

    def take(argument_spec: dict[str, Any], **_: object) -> None:
        taken.update(argument_spec)
        raise TakenError

    module = load_module(name)
    monkeypatch.setattr(module, "AnsibleModule", take)
    with pytest.raises(TakenError):
        module.main()
    return taken


def told(options: dict[str, Any], below: str) -> dict[str, Any]:
    """Arguments, in the same words wherever they are from; `below` is where an argument's own arguments are."""
    return {
        name: one(option, {} if name in IN_WORDS else option.get(below, {}), below) for name, option in options.items()
    }


def one(option: dict[str, Any], inner: dict[str, Any], below: str) -> dict[str, Any]:
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": option.get("choices"),
        "below": told(inner, below),
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_documented_arguments_are_those_that_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    documented = yaml.safe_load(load_module(name).DOCUMENTATION).get("options", {})
    taken = arguments_of(name, monkeypatch)
    assert told(documented, "suboptions") == told(taken, "options")
