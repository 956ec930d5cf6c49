"""From plain data to a Stack, or to the list of everything that is wrong with it."""

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from roost.errors import InvalidDeclaration, Problem
from roost.model.app import App
from roost.model.stack import Stack
from roost.model.values import shown
from roost.rawyaml import KeyPath, key_text
from roost.suggest import did_you_mean, listed


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong at one place of the stack; `path` begins with "stack"."""

    path: KeyPath
    message: str


def parse_stack(data: object) -> Stack:
    """Return the stack that Ansible's variable `stack` or any other plain data holds.

    Raises InvalidDeclaration.
    """
    stack, mistakes = check_stack(data)
    if mistakes or stack is None:
        raise InvalidDeclaration([Problem("stack", 0, key_text(m.path), m.message) for m in mistakes])
    return stack


def check_stack(data: object, model: type[Stack] = Stack) -> tuple[Stack | None, list[Mistake]]:
    """Return the stack if it is valid, and all mistakes if it is not."""
    try:
        values = plain(data)
        mistakes = list(_empty_values(values, ("stack",)))
        stack = model.model_validate(values)
    except ValidationError as error:
        empty = {mistake.path for mistake in mistakes}
        wrong = [_mistake(details) for details in error.errors(include_url=False)]
        return None, [*mistakes, *(mistake for mistake in wrong if mistake.path not in empty)]
    except RecursionError:
        return None, [Mistake(("stack",), "The stack contains itself through an alias.")]
    return (None, mistakes) if mistakes else (stack, [])


class _StackPart(Stack):
    apps: list[App] = Field(default=[], description="Those that are valid; there may be none.")


@dataclass(frozen=True)
class UsablePart:
    """A stack without its invalid keys and applications; `indexes` say where its applications stood."""

    stack: Stack
    indexes: tuple[int, ...]


def usable_part(data: object, mistakes: Iterable[Mistake]) -> UsablePart | None:
    """What can be examined further although the stack has mistakes; None if that is nothing."""
    if not isinstance(data, Mapping) or not isinstance(data.get("apps"), list):
        return None
    paths = [mistake.path for mistake in mistakes]
    bad_keys = {path[1] for path in paths if len(path) > 1 and path[1] != "apps"}
    bad_apps = {path[2] for path in paths if len(path) > 2 and path[1] == "apps"}
    indexes = tuple(index for index in range(len(data["apps"])) if index not in bad_apps)
    kept = {key: value for key, value in data.items() if key not in bad_keys}
    stack, _ = check_stack({**kept, "apps": [data["apps"][index] for index in indexes]}, _StackPart)
    return UsablePart(stack, indexes) if stack else None


def plain(value: object) -> object:
    """Copy Ansible's lazily templated containers and tagged text into ordinary ones."""
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _empty_values(value: object, path: KeyPath) -> Iterator[Mistake]:
    """Yield the keys that nothing is written behind: whether the default or nothing is meant, nobody knows."""
    if value is None:
        yield Mistake(path, "The value is empty; remove the key, or write a value behind it.")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _empty_values(item, (*path, key if isinstance(key, int) else str(key)))


def _plain_key(key: object) -> object:
    return str(key) if isinstance(key, str) else key


def _mistake(details: ErrorDetails) -> Mistake:
    path: KeyPath = ("stack", *(part for part in details["loc"] if part != "[key]"))
    return Mistake(path, _message(details))


def _message(details: ErrorDetails) -> str:
    kind, value = details["type"], details["input"]
    if explain := _EXPLANATIONS.get(kind):
        return explain(details)
    wanted = _KINDS.get(kind)
    return f"{_what(value)} must be {wanted}." if wanted else f"{details['msg']}."


def _unknown_key(details: ErrorDetails) -> str:
    known = _keys_at(details["loc"][:-1])
    return f"There is no such key here.{did_you_mean(str(details['loc'][-1]), known)} Allowed: {listed(known)}."


def _not_a_choice(details: ErrorDetails) -> str:
    value = details["input"]
    choices = [word.strip("'") for word in details["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    guess = did_you_mean(value, choices) if isinstance(value, str) else ""
    return f"{_what(value)} must be {listed(choices)}.{guess}"


def _not_text(details: ErrorDetails) -> str:
    value = details["input"]
    advice = ": put it in quotes" if isinstance(value, bool | int | float) else ""
    return f"{_what(value)} must be text{advice}."


def _out_of_range(wanted: str) -> Callable[[ErrorDetails], str]:
    def explain(details: ErrorDetails) -> str:
        (limit,) = details["ctx"].values()
        return f"{_what(details['input'])} must be {wanted} {limit}."

    return explain


_KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
}

_EXPLANATIONS: dict[str, Callable[[ErrorDetails], str]] = {
    "value_error": lambda details: str(details["ctx"]["error"]),
    "extra_forbidden": _unknown_key,
    "missing": lambda _: "This key is missing; it has no default.",
    "literal_error": _not_a_choice,
    "string_type": _not_text,
    "greater_than_equal": _out_of_range("at least"),
    "greater_than": _out_of_range("more than"),
    "less_than_equal": _out_of_range("at most"),
    "less_than": _out_of_range("less than"),
    "too_short": lambda _: "The list must not be empty.",
    "too_long": lambda details: f"The list must not have more than {details['ctx']['max_length']} items.",
    "recursion_loop": lambda _: "The value contains itself through an alias.",
}


def _what(value: object) -> str:
    """The beginning of a sentence about a wrong value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list | dict):
        return f"A {'list' if isinstance(value, list) else 'mapping'} stands here; it"
    return str(value)


def _keys_at(path: Iterable[str | int]) -> list[str]:
    """The keys that the mapping at `path` may have."""
    model: type[BaseModel] = Stack
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)
