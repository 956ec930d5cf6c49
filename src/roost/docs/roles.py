"""The reference page of each role, from its argument specs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from roost.paths import bundle_root

type Option = dict[str, Any]


def role_names() -> list[str]:
    """Return the names of all roles."""
    return sorted(path.parent.parent.name for path in (bundle_root() / "roles").glob("*/meta/argument_specs.yml"))


def role_reference(role: str) -> str:
    """Return docs/roles/<role>.md: what the role does, and every input of each of its entry points."""
    folder = bundle_root() / "roles" / role
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    sections = [_entry_point(name, spec) for name, spec in specs.items()]
    heading = f"# The role `{role}`\n\n{_packages(folder)}"
    return "\n".join([heading, *sections])


def roles_index() -> str:
    """Return docs/roles/README.md: one line for each role."""
    lines = []
    for role in role_names():
        meta = yaml.safe_load((bundle_root() / "roles" / role / "meta" / "main.yml").read_text(encoding="utf-8"))
        lines.append(f"| [`{role}`]({role}.md) | {meta['galaxy_info']['description']} |")
    return "\n".join(
        [
            "# The roles",
            "",
            "Each does one function of a server and knows nothing of the others. `site.yml` says which host gets",
            "which, `playbooks/vars/wiring.yml` where their inputs come from.",
            "",
            "| role | what it does |",
            "| --- | --- |",
            *lines,
            "",
        ]
    )


def _packages(folder: Path) -> str:
    path = folder / "vars" / "main.yml"
    variables = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}
    packages = variables.get(f"__{folder.name}_packages")
    return f"Debian packages: {', '.join(f'`{name}`' for name in packages)}.\n" if packages else ""


def _entry_point(name: str, spec: dict[str, Any]) -> str:
    title = f"## {spec['short_description']}\n"
    if name != "main":
        title = f"## {spec['short_description']} (`tasks_from: {name}`)\n"
    description = spec.get("description", [])
    text = "\n".join([description] if isinstance(description, str) else description)
    rows = [row for option, details in spec.get("options", {}).items() for row in _rows(option, details)]
    parts = [title, *([text, ""] if text else [])]
    if rows:
        parts += ["| input | type | default | meaning |", "| --- | --- | --- | --- |", *rows, ""]
    return "\n".join(parts)


def _rows(name: str, option: Option) -> Iterator[str]:
    yield f"| `{name}` | {_type(option)} | {_default(option)} | {_meaning(option)} |"
    for key, inner in option.get("options", {}).items():
        yield from _rows(f"{name}[].{key}" if option.get("type") == "list" else f"{name}.{key}", inner)


def _type(option: Option) -> str:
    if "choices" in option:
        return ", ".join(f"`{choice}`" for choice in option["choices"])
    kind: str = option.get("type", "str")
    return f"list of {option['elements']}" if kind == "list" and "elements" in option else kind


def _default(option: Option) -> str:
    if option.get("required"):
        return "required"
    return f"`{json.dumps(option['default'])}`" if "default" in option else ""


def _meaning(option: Option) -> str:
    description = option.get("description", "")
    text = " ".join([description] if isinstance(description, str) else description)
    return " ".join(text.split()).replace("|", "\\|")
