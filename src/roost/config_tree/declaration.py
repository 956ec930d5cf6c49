"""What a config_tree task declares, checked: the task's arguments in, typed values out."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roost.config_tree.errors import InvalidTree
from roost.suggest import did_you_mean

DEFAULT_TOPIC = "reload"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_MODE = re.compile(r"[0-7]{3,4}")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.\\@-]*\.(?:service|socket|timer|path|mount|swap|target)")
_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")
_OWNER_OF_ITEM = re.compile(r"@[A-Za-z_][A-Za-z0-9_]*@")


@dataclass(frozen=True)
class FileSettings:
    """What one entry of `files` says. `path` is a pattern; `mode` None means: the default of the file."""

    path: str
    each: tuple[Mapping[str, Any], ...] | None
    owner: str
    group: str
    mode: int | None
    secret: bool
    topic: str
    enabled: bool


@dataclass(frozen=True)
class Directory:
    """A directory to be made if it is missing, and its owner, group and mode."""

    path: str
    owner: str
    group: str
    mode: int
    topic: str


@dataclass(frozen=True)
class Link:
    """A symlink and the text that it holds."""

    path: str
    target: str
    topic: str


@dataclass(frozen=True)
class Copy:
    """A file or folder of the controller, copied as it is, and the path of the copy."""

    src: Path
    path: str


@dataclass(frozen=True)
class Unit:
    """A systemd unit that must run; `enabled` False leaves its start at boot as it is."""

    name: str
    enabled: bool


@dataclass(frozen=True)
class Declaration:
    """A whole task. Paths are relative to `dest`; durations are in seconds, 0 for none."""

    name: str
    src: str | None
    dest: str
    validate: tuple[str, ...]
    validate_timeout: int
    directories: tuple[Directory, ...]
    links: tuple[Link, ...]
    absent: tuple[str, ...]
    copies: tuple[Copy, ...]
    files: tuple[FileSettings, ...]
    units: tuple[Unit, ...]
    confirm_within: int
    revert_command: tuple[str, ...]
    state_directory: str | None


DEFAULT_FILE = FileSettings("*", None, "root", "root", None, secret=False, topic=DEFAULT_TOPIC, enabled=True)


def parse_declaration(arguments: Mapping[str, Any]) -> Declaration:
    """Check a task's arguments. Raises InvalidTree naming the option, as in `files[2].mode`."""
    options = _Options(arguments, "")
    declaration = Declaration(
        name=options.take("name", _name),
        src=options.take("src", _text, None),
        dest=options.take("dest", _absolute, "/"),
        validate=options.take("validate", _command, ()),
        validate_timeout=options.take("validate_timeout", _seconds, 60),
        directories=options.take_each("directories", _directory),
        links=options.take_each("links", _link),
        absent=options.take("absent", _paths, ()),
        copies=options.take_each("copies", _copy),
        files=options.take_each("files", _file),
        units=options.take_each("units", _unit),
        confirm_within=options.take("confirm_within", _seconds, 0),
        revert_command=options.take("revert_command", _command, ()),
        state_directory=options.take("state_directory", _absolute, None),
    )
    options.refuse_the_rest()
    if bool(declaration.confirm_within) != bool(declaration.revert_command):
        raise InvalidTree("confirm_within and revert_command go together: give both or neither")
    return declaration


def inner_path(path: str) -> str:
    """Normalize a path below `dest`: no leading slash, no `.`, `..`, empty part or control character."""
    parts = path.strip("/").split("/")
    if any(part in {"", ".", ".."} for part in parts) or any(ord(letter) < 32 for letter in path):
        raise ValueError(f"{path!r} is not a clean path")
    return "/".join(parts)


_REQUIRED = object()


class _Options:
    """The options of one mapping, taken one by one; what is left over is unknown."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise InvalidTree(f"{where} must be a mapping")
        self._values = {key: value for key, value in values.items() if value is not None}
        self._where = where
        self._known: list[str] = []

    def take(self, key: str, convert: Callable[[Any], Any], default: Any = _REQUIRED) -> Any:
        self._known.append(key)
        if key not in self._values:
            if default is _REQUIRED:
                raise InvalidTree(f"{self._path(key)} is missing")
            return default
        try:
            return convert(self._values.pop(key))
        except ValueError as problem:
            raise InvalidTree(f"{self._path(key)}: {problem}") from problem

    def take_each(self, key: str, convert: Callable[["_Options"], Any]) -> tuple[Any, ...]:
        values = self.take(key, _list, ())
        return tuple(self._take_entry(f"{key}[{index}]", value, convert) for index, value in enumerate(values))

    def refuse_the_rest(self) -> None:
        for key in self._values:
            raise InvalidTree(f"{self._path(key)} is not an option.{did_you_mean(key, self._known)}")

    @staticmethod
    def _take_entry(where: str, value: Any, convert: Callable[["_Options"], Any]) -> Any:
        options = _Options(value, where)
        entry = convert(options)
        options.refuse_the_rest()
        return entry

    def _path(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key


def _file(options: _Options) -> FileSettings:
    return FileSettings(
        path=options.take("path", _path),
        each=options.take("each", _items, None),
        owner=options.take("owner", _owner_of_file, "root"),
        group=options.take("group", _owner_of_file, "root"),
        mode=options.take("mode", _mode, None),
        secret=options.take("secret", _flag, False),
        topic=options.take("notify", _topic, DEFAULT_TOPIC),
        enabled=options.take("enabled", _flag, True),
    )


def _directory(options: _Options) -> Directory:
    return Directory(
        path=options.take("path", _path),
        owner=options.take("owner", _owner, "root"),
        group=options.take("group", _owner, "root"),
        mode=options.take("mode", _mode, 0o755),
        topic=options.take("notify", _topic, DEFAULT_TOPIC),
    )


def _link(options: _Options) -> Link:
    return Link(
        path=options.take("path", _path),
        target=options.take("target", _text),
        topic=options.take("notify", _topic, DEFAULT_TOPIC),
    )


def _copy(options: _Options) -> Copy:
    return Copy(src=Path(options.take("src", _absolute_source)), path=options.take("path", _path))


def _unit(options: _Options) -> Unit:
    return Unit(name=options.take("name", _unit_name), enabled=options.take("enabled", _flag, True))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")
    return str(value)


def _path(value: Any) -> str:
    return inner_path(_text(value))


def _paths(value: Any) -> tuple[str, ...]:
    return tuple(_path(path) for path in _list(value))


def _absolute(value: Any) -> str:
    path = _text(value)
    if not path.startswith("/"):
        raise ValueError("must be an absolute path")
    return "/" + inner_path(path) if path.strip("/") else "/"


def _absolute_source(value: Any) -> str:
    """The path of something on the controller, which may lead through `..`."""
    path = _text(value)
    if not path.startswith("/"):
        raise ValueError("must be an absolute path, as in {{ role_path }}/files/tool.py")
    return path


def _name(value: Any) -> str:
    return _matching(value, _NAME, "must be lower-case letters, digits, - and _, and begin with a letter")


def _owner(value: Any) -> str:
    return _matching(value, _OWNER, "must be the name of a user or group, or a number in quotes")


def _owner_of_file(value: Any) -> str:
    """A name, or `@key@` of the item that the file is made for."""
    return str(value) if isinstance(value, str) and _OWNER_OF_ITEM.fullmatch(value) else _owner(value)


def _unit_name(value: Any) -> str:
    return _matching(value, _UNIT, "must be the name of a systemd unit with its suffix, as in nginx.service")


def _topic(value: Any) -> str:
    """An empty topic is allowed: nothing has to be told when the file changes."""
    return "" if value == "" else _name(value)


def _matching(value: Any, pattern: re.Pattern[str], advice: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(advice)
    return str(value)


def _mode(value: Any) -> int:
    return int(_matching(value, _MODE, 'must be octal digits in quotes, as in "0640"'), 8)


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError("must be a whole number of seconds")
    return int(value)


def _flag(value: Any) -> bool:
    """Booleans, and their words as templates may return them."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "false": False, "no": False}
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError("must be true or false")
    return words[value.lower()]


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise ValueError("must be a list")
    return value


def _items(value: Any) -> tuple[Mapping[str, Any], ...]:
    items = tuple(_list(value))
    if not all(isinstance(item, Mapping) for item in items):
        raise ValueError("must be a list of mappings")
    return items


def _command(value: Any) -> tuple[str, ...]:
    words = shlex.split(value) if isinstance(value, str) else [_text(word) for word in _list(value)]
    return tuple(str(word) for word in words)
