"""The JSON Schema of stack.yml, for editors and for the reference."""

from typing import Any

from roost.model import Stack

type Json = dict[str, Any]


def stack_schema() -> Json:
    """Return the JSON Schema of a whole stack.yml."""
    inner = _tidy(Stack.model_json_schema())
    definitions = inner.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Roost's stack.yml",
        "type": "object",
        "additionalProperties": False,
        "required": ["stack"],
        "properties": {"stack": {"$ref": "#/$defs/Stack"}},
        "$defs": {**definitions, "Stack": inner},
    }


def _tidy(schema: Any) -> Any:
    """Leave out what only pydantic cares about: titles, and null, which a stack must not contain."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items() if not _is_noise(key, value)}
    choices = [choice for choice in tidy.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del tidy["anyOf"]
        return choices[0] | tidy
    if choices:
        tidy["anyOf"] = choices
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return tidy


def _is_noise(key: str, value: object) -> bool:
    if key == "default":
        return value is None or isinstance(value, dict)
    return (key == "title" and isinstance(value, str)) or value is None
