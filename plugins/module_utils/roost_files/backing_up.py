"""One run of the backups of files: snapshots, a part of all data read again, what is old let go, and how it went."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import state
from ansible.module_utils.roost_files.folders import entries
from ansible.module_utils.roost_files.restic import PARTS, Keep, Restic
from ansible.module_utils.roost_files.state import State

DAY = 86400
LEFT_FREE = 0.05


@dataclass
class Run:
    """A run over `repositories`; `sets` maps names to paths. A repository or set that fails holds up no other.

    `declared` names all repositories and all sets that there are, of which these may be some.
    """

    host: str
    declared: tuple[Collection[str], Collection[str]]
    repositories: Sequence[Restic]
    sets: Mapping[str, Sequence[str]]
    keep: Keep
    made: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def do(self) -> None:
        """Do it all. Raises BackupError, after everything that could be done was done, if anything failed."""
        with state.changed() as known, known.of_run(self.problems):
            for repository in self.repositories:
                try:
                    self._back_up_to(repository, known)
                except BackupError as problem:
                    self.problems.append(str(problem))
            known.forget_all_but(*self.declared)

    def _back_up_to(self, repository: Restic, known: State) -> None:
        before = len(self.problems)
        if repository.exists():
            repository.unlock()
        else:
            repository.create()
            if known.repositories.pop(repository.name, None):
                self.problems.append(f"{repository.name}: all earlier backups of files are gone; it was begun anew")
        for name, paths in self.sets.items():
            try:
                self._make(repository, name, present(repository, name, paths), known)
            except BackupError as problem:
                self.problems.append(str(problem))
        repository.verify(part_of_today(time.time()))
        # While something is wrong, everything may still be needed.
        if len(self.problems) == before:
            repository.forget(self.keep)

    def _make(self, repository: Restic, name: str, paths: list[str], known: State) -> None:
        refuse_without_room(repository.folder, paths, known.repositories.get(repository.name, {}).get(name, {}))
        began = time.monotonic()
        made = repository.back_up(name, self.host, paths)
        done = {
            "label": made.label,
            "ended": time.time(),
            "seconds": round(time.monotonic() - began, 1),
            "files": made.files,
            "file_bytes": made.file_bytes,
            "added_bytes": made.added_bytes,
        }
        self.made.append({"repository": repository.name, "name": name, **done})
        known.repositories.setdefault(repository.name, {})[name] = done


def present(repository: Restic, name: str, paths: Collection[str]) -> list[str]:
    """Return the paths of a set that exist. Raises BackupError if none does: a snapshot of nothing is no backup."""
    found = [path for path in paths if Path(path).exists()]
    if not found:
        raise BackupError(f"{repository.name}: {name}: there is no {', '.join(paths)} to back up")
    return found


def refuse_without_room(folder: Path | None, paths: Collection[str], last: Mapping[str, Any]) -> None:
    """Raise BackupError if what is new would fill the disk, from which the databases live as well."""
    if folder is None:
        return
    disk = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists()))
    new = max(0, sum(map(size_of, paths)) - last.get("file_bytes", 0))
    if disk.free - new < disk.total * LEFT_FREE:
        needed, free = (f"{size / 2**20:.0f} MiB" for size in (new, disk.free))
        raise BackupError(f"{folder} has no room for {needed} more with {free} free: make room on that disk")


def size_of(path: str) -> int:
    """The bytes of a file, or of all files below a folder."""
    return sum(found.lstat().st_size for found in entries(Path(path)) if found.is_file() and not found.is_symlink())


def part_of_today(now: float) -> int:
    """Return which of PARTS parts of the data is read today: all of them within as many days."""
    return int(now // DAY) % PARTS + 1
