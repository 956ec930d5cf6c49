"""Checks on the text of a YAML file, before Ansible reads or templates anything in it.

YAML 1.1 turns `0644` into 420, `no` into false and `12:30` into 750; a key given twice silently wins;
and Ansible runs what stands between template markers on the operator's machine. None of it gets past here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from roost.errors import Problem

type KeyPath = tuple[str | int, ...]

VAULT_REFERENCE = re.compile(r"\{\{ *vault_[a-z][a-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)* *\}\}")

ENCRYPTED = "{{ vault_encrypted }}"
"""Stands for a value that is encrypted in place (`!vault |`): it may be where a reference to a secret may be."""

MARKERS = ("{{", "{%", "{#")
_STANDARD = "tag:yaml.org,2002:"
_INT, _FLOAT, _TIMESTAMP = (_STANDARD + name for name in ("int", "float", "timestamp"))
_VAULT_TAGS = ("!vault", "!vault-encrypted")
_TEXT_KEYS = (_STANDARD + "str", _STANDARD + "merge")
_ALLOWED_TAGS = {
    *(_STANDARD + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge", "timestamp")),
    *_VAULT_TAGS,
}
_READ_AS_TRUTH = {"y", "n", "yes", "no", "on", "off"}
_OCTAL = re.compile(r"[-+]?0(o[0-7_]*|[0-9_]+)")
_OTHER_NOTATION = re.compile(r"[-+]?(0[xb].*|.*_.*)")


class _Loader(yaml.SafeLoader):
    """The safe loader; dates stay text, and what has an unknown tag becomes null (the walk reports it)."""


def _construct_vault(_loader: _Loader, _node: Node) -> str:
    return ENCRYPTED


def _construct_text(_loader: _Loader, node: Node) -> str:
    return str(node.value)


def _construct_nothing(_loader: _Loader, _node: Node) -> None:
    return None


for _tag in _VAULT_TAGS:
    _Loader.add_constructor(_tag, _construct_vault)
_Loader.add_constructor(_TIMESTAMP, _construct_text)
_Loader.add_constructor(None, _construct_nothing)


@dataclass
class RawFile:
    """A YAML file: its plain data, what is wrong with its text, and where each key stands in it."""

    shown: str
    root: Node | None = None
    data: Any = None
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line (from 1) of the value at `path`, or of the nearest place above it that exists."""
        node, line = self.root, 1 if self.root else 0
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        return line

    def text(self, path: KeyPath) -> str | None:
        """The value at `path` exactly as it is written, if it is one word or number without quotes."""
        node = self.root
        for part in path:
            found = _child(node, part)
            if found is None:
                return None
            node = found[1]
        return node.value if isinstance(node, ScalarNode) and not node.style else None

    def problem(self, path: KeyPath, message: str) -> Problem:
        """A problem with the value at `path`."""
        return Problem(self.shown, self.line(path), key_text(path), message)


def key_text(path: KeyPath) -> str:
    """`("stack", "apps", 0, "name")` as `stack.apps[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(path: Path, shown: str, *, strict: bool) -> RawFile:
    """Read a YAML file and check its text; `shown` is the file's name in messages.

    With `strict` all checks apply; without it only the syntax and duplicate keys, for files that are
    Ansible's own matter. A file that is encrypted as a whole, empty or can't be parsed has no data.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return RawFile(shown, problems=[Problem(shown, 0, "", f"The file can't be read: {error.strerror}.")])
    except UnicodeDecodeError:
        return RawFile(shown, problems=[Problem(shown, 0, "", "The file is not UTF-8 text.")])
    if text.startswith("$ANSIBLE_VAULT;") and not strict:
        return RawFile(shown)
    return parse(text, shown, strict=strict)


def parse(text: str, shown: str, *, strict: bool) -> RawFile:
    """Check the text of a YAML file: see `read`."""
    raw = RawFile(shown)
    try:
        raw.root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raw.problems.append(_syntax_problem(shown, error))
        return raw
    if raw.root is None and not strict:
        return raw
    if not isinstance(raw.root, MappingNode):
        wrong = "is empty" if raw.root is None else "does not hold a mapping"
        raw.problems.append(Problem(shown, 1, "", f"The file {wrong}; it must consist of `key: value` lines."))
        raw.root = None
        return raw
    walk = _Walk(shown, strict=strict)
    raw.problems.extend(walk.value(raw.root, ()))
    if walk.endless:
        return raw
    try:
        raw.data = _Loader("").construct_document(raw.root)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raw.problems.append(_syntax_problem(shown, error))
    return raw


def _syntax_problem(shown: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    if "'\\t'" in reason:
        reason = "a tab stands where only spaces are allowed"
    elif isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif "expected a single document" in str(error):
        reason = "it holds more than one document (`---`)"
    return Problem(shown, mark.line + 1 if mark else 0, "", f"The file is not valid YAML: {reason}.")


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    """The key's node and the value's node of one step down; for an item of a list both are the item."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if not isinstance(node, MappingNode):
        return None
    merged: list[Node] = []
    for key, value in node.value:
        if key.value == part:
            return key, value
        if key.tag == _STANDARD + "merge":
            merged.extend(value.value if isinstance(value, SequenceNode) else [value])
    return next((found for base in merged if (found := _child(base, part))), None)


class _Walk:
    """One pass over a file's nodes.

    An anchor's node is visited once, so aliases can't multiply the work; one that leads back to a node around it
    is a problem.
    """

    def __init__(self, shown: str, *, strict: bool) -> None:
        self._shown = shown
        self._strict = strict
        self._seen: set[int] = set()
        self._around: list[int] = []
        self.endless = False

    def value(self, node: Node, path: KeyPath) -> Iterator[Problem]:
        """Yield what is wrong at and below a node."""
        if id(node) in self._around:
            self.endless = True
            yield self._problem(node, path, "The value contains itself through an alias.")
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        self._around.append(id(node))
        yield from self._new_value(node, path)
        self._around.pop()

    def _mapping(self, node: MappingNode, path: KeyPath) -> Iterator[Problem]:
        lines: dict[str, int] = {}
        for key, value in node.value:
            here = (*path, str(key.value) if isinstance(key, ScalarNode) else "?")
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                yield self._problem(key, path, "A key must be a word, not a list or a mapping.")
            elif key.value in lines:
                yield self._problem(key, here, f"The key is given twice (first on line {lines[key.value]}).")
            else:
                lines[key.value] = line
                yield from self._key(key, here)
            yield from self.value(value, here)

    def _new_value(self, node: Node, path: KeyPath) -> Iterator[Problem]:
        if self._strict and node.tag not in _ALLOWED_TAGS:
            yield self._problem(node, path, f"The tag `{_short(node.tag)}` is not allowed; only `!vault` is.")
        elif isinstance(node, MappingNode):
            yield from self._mapping(node, path)
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                yield from self.value(item, (*path, index))
        elif isinstance(node, ScalarNode) and self._strict and node.tag not in _VAULT_TAGS:
            yield from self._scalar(node, path)

    def _key(self, node: ScalarNode, path: KeyPath) -> Iterator[Problem]:
        if not self._strict:
            return
        problems = list(self._scalar(node, path))
        if not problems and node.tag not in _TEXT_KEYS:
            problems.append(self._problem(node, path, "A key must be text: put it in quotes."))
        if VAULT_REFERENCE.fullmatch(node.value):
            problems.append(self._problem(node, path, "A key can't be a secret."))
        yield from problems

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Iterator[Problem]:
        text = node.value
        if any(marker in text for marker in MARKERS) and not VAULT_REFERENCE.fullmatch(text):
            yield self._problem(
                node,
                path,
                "Template markers ({{, {%, {#) are not allowed. Only a whole value may refer to a secret, "
                'like "{{ vault_apps.atlas.API_KEY }}".',
            )
        elif not node.style and (surprise := _surprise(text, node.tag)):
            yield self._problem(node, path, surprise)

    def _problem(self, node: Node, path: KeyPath, message: str) -> Problem:
        return Problem(self._shown, node.start_mark.line + 1, key_text(path), message)


def _surprise(text: str, tag: str) -> str:
    """Why a word without quotes is not what it looks like, or an empty string."""
    if text.lower() in _READ_AS_TRUTH:
        return f'YAML reads {text} as a truth value: write true or false, or "{text}" in quotes for the text.'
    if _OCTAL.fullmatch(text):
        return f'YAML may read {text} as an octal number: drop the leading zero, or write "{text}" in quotes.'
    if tag in (_INT, _FLOAT) and ":" in text:
        return f'YAML reads {text} as a number in base 60: write "{text}" in quotes.'
    if tag in (_INT, _FLOAT) and _OTHER_NOTATION.fullmatch(text):
        return f'YAML reads {text} as another number: write it in plain decimal digits, or "{text}" in quotes.'
    if tag == _TIMESTAMP:
        return f'YAML reads {text} as a date: write "{text}" in quotes.'
    return ""


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else tag
