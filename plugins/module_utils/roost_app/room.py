"""Is there room on the disk for one more release?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import target_name

MEBIBYTE = 1024 * 1024
GROWTH = 1.5
MIN_FREE_INODES = 10_000


@dataclass(frozen=True)
class Space:
    """Bytes and files (inodes): those that a folder takes, or those that are free."""

    size: int
    inodes: int


def refuse_without_room(paths: AppPaths, min_free_mb: int) -> None:
    """Raise ReleaseError if the disk of the releases is too full to build another one."""
    live = target_name(paths.current)
    taken = taken_by(paths.release(live)) if live else Space(0, 0)
    if problem := lack(free_at(paths.releases), taken, min_free_mb):
        raise ReleaseError(f"{paths.name}: no room to build a release: {problem}; nothing was built")


def lack(free: Space, live: Space, min_free_mb: int) -> str:
    """Tell what is missing on a disk for one more release beside the live one, "" if there is room."""
    needed = Space(
        max(min_free_mb * MEBIBYTE, int(GROWTH * live.size)), max(MIN_FREE_INODES, int(GROWTH * live.inodes))
    )
    if free.size < needed.size:
        return f"/srv has {free.size // MEBIBYTE} MiB free, {needed.size // MEBIBYTE} MiB are needed"
    if free.inodes < needed.inodes:
        return f"/srv has {free.inodes} inodes free, {needed.inodes} are needed"
    return ""


def free_at(folder: Path) -> Space:
    """Return what is free for ordinary users on the file system on which a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    # File systems without a fixed number of inodes say 0.
    inodes = found.f_favail if found.f_files else 2**63
    return Space(found.f_bavail * found.f_frsize, inodes)


def taken_by(folder: Path) -> Space:
    """Return what a folder takes, with all that is in it, hard links counted once."""
    seen: dict[int, int] = {}
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            status = (Path(parent) / name).lstat()
            seen[status.st_ino] = status.st_blocks * 512
    return Space(sum(seen.values()), len(seen))
