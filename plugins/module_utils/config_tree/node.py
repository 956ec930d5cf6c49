"""What is at a path: nothing, a file, a symlink, a directory or something else."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

ABSENT = "absent"
FILE = "file"
LINK = "link"
DIRECTORY = "directory"
OTHER = "other"


class Node(NamedTuple):
    """One place in the file system, without its content. `target` is what a symlink holds."""

    kind: str
    uid: int = -1
    gid: int = -1
    mode: int = 0
    target: str = ""


NOTHING = Node(ABSENT)


def look(path: str) -> Node:
    """Return what is at `path` itself; a symlink there is not followed."""
    try:
        status = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(status.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    return Node(_kind(status.st_mode), status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), target)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISREG, FILE), (stat.S_ISLNK, LINK), (stat.S_ISDIR, DIRECTORY))
    return next((kind for is_kind, kind in kinds if is_kind(mode)), OTHER)
