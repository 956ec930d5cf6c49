"""The Python interpreters of the host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ansible.module_utils.roost_app.commands import SEARCH_PATH
from ansible.module_utils.roost_app.errors import ReleaseError

PROGRAM = re.compile(r"python(3\.\d+)")
SYSTEM_PYTHON = "/usr/bin/python3"


def interpreter(version: str, folders: Iterable[str] = tuple(SEARCH_PATH.split(":"))) -> str:
    """Return the program of a version such as 3.12, or of the host's own Python if it is ""."""
    if not version:
        return SYSTEM_PYTHON
    found = interpreters(folders)
    if version not in found:
        there = " and ".join(sorted(found, key=lambda name: int(name.partition(".")[2]))) or "none"
        raise ReleaseError(f"this host has no Python {version}; it has {there}; nothing was built")
    return found[version]


def interpreters(folders: Iterable[str]) -> dict[str, str]:
    """Return the program of each version in these folders; of two, the one that is found first."""
    found: dict[str, str] = {}
    for path in (path for folder in folders for path in sorted(Path(folder).glob("python3.*"))):
        if (match := PROGRAM.fullmatch(path.name)) and path.is_file():
            found.setdefault(match[1], str(path))
    return found
