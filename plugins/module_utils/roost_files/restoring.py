"""Put the files of a set back. They come to a folder beside it first, and what was there is kept aside."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
import time
from pathlib import Path

from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files.folders import entries
from ansible.module_utils.roost_files.restic import Restic

ROOM = 1.05


def kept_aside(folder: Path) -> list[Path]:
    """Return what restores have kept aside of a folder, the oldest first."""
    return sorted(folder.parent.glob(f"{folder.name}.before-*"))


def restore(repository: Restic, label: str, folder: Path, user: str) -> Path | None:
    """Put `folder` back as a snapshot has it; return where the present one is kept, None if there was none.

    The files that belonged to the folder's owner belong to `user` then: on another server it has another number.
    """
    if folder.is_mount():
        raise BackupError(f"{folder} is a file system of its own, which can't be renamed: unmount it first")
    for left in folder.parent.glob(f".{folder.name}.restoring-*"):
        shutil.rmtree(left)
    # Nobody looks into it while it is incomplete.
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.restoring-"))
    try:
        repository.restore(label, str(folder), aside)
        restored = aside / folder.relative_to("/")
        if not restored.is_dir():
            raise BackupError(f"the snapshot {label} has no {folder}")
        give(restored, user)
        return swap(restored, folder)
    finally:
        shutil.rmtree(aside)


def refuse_without_room(folder: Path, file_bytes: int) -> None:
    """Raise BackupError if the disk can't hold the restored files beside the present ones."""
    free = shutil.disk_usage(folder.parent).free
    if free < file_bytes * ROOM:
        wanted, there = (f"{size / 2**20:.0f} MiB" for size in (file_bytes * ROOM, free))
        raise BackupError(f"the restored files need {wanted} beside the present ones, and {there} are free")


def undo(folder: Path) -> Path | None:
    """Bring back what the last restore has replaced; return where what it had brought is kept."""
    before = kept_aside(folder)
    if not before:
        raise BackupError(f"no restore has kept anything of {folder} aside")
    return swap(before[-1], folder)


def confirm(folder: Path) -> list[Path]:
    """Remove everything that restores have kept aside of a folder."""
    gone = kept_aside(folder)
    for kept in gone:
        shutil.rmtree(kept)
    return gone


def swap(other: Path, folder: Path) -> Path | None:
    """Let `other` take the place of `folder`, and return where that is kept; None if there was none.

    If the second rename fails, the first is undone.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = folder.with_name(f"{folder.name}.before-{stamp}")
    if kept.exists():
        raise BackupError(f"{kept} is there already: try again in a moment")
    there_was_one = folder.exists()
    if there_was_one:
        folder.rename(kept)
    try:
        other.rename(folder)
    except OSError:
        if there_was_one:
            kept.rename(folder)
        raise
    return kept if there_was_one else None


def give(folder: Path, user: str) -> None:
    """Let what belongs to the folder's owner belong to the user; where it does, nothing is changed."""
    owner, wanted = folder.lstat().st_uid, pwd.getpwnam(user).pw_uid
    if owner == wanted:
        return
    for path in entries(folder):
        if path.lstat().st_uid == owner:
            os.chown(path, wanted, -1, follow_symlinks=False)
