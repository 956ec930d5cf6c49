"""Which file of the templates folder becomes which file of the host."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from roost.config_tree.declaration import DEFAULT_FILE, Copy, Declaration, FileSettings
from roost.config_tree.errors import InvalidTree

TEMPLATE_SUFFIX = ".j2"
_PLACEHOLDER = re.compile(r"@([A-Za-z_][A-Za-z0-9_]*)@")
_SAFE_VALUE = re.compile(r"[A-Za-z0-9_.:+%@-]+")


@dataclass(frozen=True)
class PlannedFile:
    """One file for the host: where it comes from, its path relative to `dest`, and how it is to be there."""

    source: Path
    path: str
    item: Mapping[str, Any] | None
    owner: str
    group: str
    mode: int
    secret: bool
    topic: str
    is_copy: bool = False

    @property
    def is_template(self) -> bool:
        return not self.is_copy and self.source.name.endswith(TEMPLATE_SUFFIX)


def list_sources(folder: Path) -> list[Path]:
    """Every file below `folder` in a fixed order, without partials: files and folders named `_something`."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith("_") for part in path.relative_to(folder).parts)
    )


def list_copies(copies: Iterable[Copy]) -> dict[Path, str]:
    """Every file that is copied as it is, with the path of its copy; what Python compiled is left out."""
    found: dict[Path, str] = {}
    for copy in copies:
        if copy.src.is_file():
            found[copy.src] = copy.path
        elif copy.src.is_dir():
            files = sorted(path for path in copy.src.rglob("*") if path.is_file() and path.suffix != ".pyc")
            found.update({path: f"{copy.path}/{path.relative_to(copy.src).as_posix()}" for path in files})
        else:
            raise InvalidTree(f"copies: there is no {copy.src}")
    return found


def plan_files(declaration: Declaration, folder: Path, sources: Sequence[Path]) -> list[PlannedFile]:
    """Match each source, and what is copied, with its entry of `files`, and expand `@key@`.

    Raises InvalidTree for an entry that matches nothing, a `@key@` without `each`, an unsafe value of a key,
    and a path that is declared twice or both as a file and as a directory.
    """
    paths = {source: _path_of(source, folder) for source in sources}
    copied = list_copies(declaration.copies)
    _refuse_idle_entries(declaration.files, [*paths.values(), *copied.values()])
    planned = [file for source, path in paths.items() for file in _expand(source, path, _settings(declaration, path))]
    planned += [_planned(source, path, _settings(declaration, path), is_copy=True) for source, path in copied.items()]
    refuse_conflicts(declaration, planned)
    return planned


def refuse_conflicts(declaration: Declaration, planned: Iterable[PlannedFile]) -> None:
    """Raise InvalidTree when two declared things can't both be on the host."""
    leaves: set[str] = set()
    for path in [
        *(file.path for file in planned),
        *(link.path for link in declaration.links),
        *declaration.absent,
    ]:
        if path in leaves:
            raise InvalidTree(f"/{path} is declared twice")
        leaves.add(path)
    directories = [directory.path for directory in declaration.directories]
    for path in directories:
        if path in leaves or directories.count(path) > 1:
            raise InvalidTree(f"/{path} is declared twice")
    for path in [*leaves, *directories]:
        parent = next((str(parent) for parent in Path(path).parents if str(parent) in leaves), None)
        if parent:
            raise InvalidTree(f"/{parent} is declared, and as a directory too, for /{path}")


def _path_of(source: Path, folder: Path) -> str:
    return source.relative_to(folder).as_posix().removesuffix(TEMPLATE_SUFFIX)


def _refuse_idle_entries(entries: Sequence[FileSettings], paths: Iterable[str]) -> None:
    known = list(paths)
    for index, entry in enumerate(entries):
        if not any(_matches(path, entry.path) for path in known):
            raise InvalidTree(f"files[{index}].path: no template matches {entry.path!r}")


def _settings(declaration: Declaration, path: str) -> FileSettings:
    return next((entry for entry in declaration.files if _matches(path, entry.path)), DEFAULT_FILE)


def _matches(path: str, pattern: str) -> bool:
    return path == pattern or fnmatchcase(path, pattern)


def _expand(source: Path, path: str, settings: FileSettings) -> Iterator[PlannedFile]:
    if not settings.enabled:
        return
    keys = _PLACEHOLDER.findall(path)
    if keys and settings.each is None:
        raise InvalidTree(f"/{path} needs an entry of files with `each`, for @{keys[0]}@")
    if settings.each is not None and not keys:
        raise InvalidTree(f"/{path} has an entry with `each`, so it needs a @key@ in its name")
    if settings.each is None and _PLACEHOLDER.search(settings.owner + settings.group):
        raise InvalidTree(f"/{path}: a @key@ as owner or group needs an entry with `each`")
    file = _planned(source, path, settings)
    if settings.each is None:
        yield file
        return
    for item in settings.each:
        yield replace(
            file,
            path=_fill(path, path, item),
            item=item,
            owner=_fill(settings.owner, path, item),
            group=_fill(settings.group, path, item),
        )


def _planned(source: Path, path: str, settings: FileSettings, *, is_copy: bool = False) -> PlannedFile:
    return PlannedFile(
        source=source,
        path=path,
        item=None,
        owner=settings.owner,
        group=settings.group,
        mode=_default_mode(source, settings) if settings.mode is None else settings.mode,
        secret=settings.secret,
        topic=settings.topic,
        is_copy=is_copy,
    )


def _default_mode(source: Path, settings: FileSettings) -> int:
    if settings.secret:
        return 0o640
    is_program = not source.name.endswith(TEMPLATE_SUFFIX) and source.stat().st_mode & 0o100
    return 0o755 if is_program else 0o644


def _fill(text: str, path: str, item: Mapping[str, Any]) -> str:
    """Replace each `@key@` of `text`; `path` is for the error messages."""

    def value_of(match: re.Match[str]) -> str:
        key = match[1]
        if key not in item:
            raise InvalidTree(f"/{path}: an item of `each` has no {key!r}")
        value = str(item[key])
        if not _SAFE_VALUE.fullmatch(value):
            raise InvalidTree(f"/{path}: {key!r} of an item is {value!r}, which is not safe in a file name")
        return value

    filled = _PLACEHOLDER.sub(value_of, text)
    if any(part in {".", ".."} for part in filled.split("/")):
        raise InvalidTree(f"/{path}: an item of `each` makes it {filled!r}")
    return filled
