"""The first backups of a host's files: which of them site.yml makes at once, and which wait for the night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files.backing_up import size_of
from ansible.module_utils.roost_files.restic import Restic
from ansible.module_utils.roost_files.state import State

SMALL_BYTES = 2**30


@dataclass(frozen=True)
class First:
    """`sets` that are to be backed up to `repositories` now; both are empty if there is nothing to do."""

    repositories: Sequence[Restic]
    sets: Mapping[str, Sequence[str]]
    warnings: Sequence[str]


def find_first(repositories: Sequence[Restic], sets: Mapping[str, Sequence[str]], known: State) -> First:
    """Find what this host has never backed up. Raises BackupError if a repository that was never in use can't be asked.

    A new server finds the backups of the one before: a backup of its empty folders would be newer than those.
    """
    there = {name: paths for name, paths in sets.items() if any(Path(path).exists() for path in paths)}
    if not any(_lacking(repository, there, known) for repository in repositories):
        return First((), {}, ())
    warnings, within_reach, held = [], [], set()
    for repository in repositories:
        try:
            held |= {snapshot.name for snapshot in repository.snapshots()}
        except BackupError as problem:
            if repository.name not in known.repositories:
                raise
            warnings.append(f"The repository can't be reached: {problem}")
        else:
            within_reach.append(repository)
    made = {name for done in known.repositories.values() for name in done}
    foreign = sorted((held & there.keys()) - made)
    if foreign:
        warnings.append(
            f"There are backups of {' and '.join(foreign)} that this host did not make. Restore what it lacks before "
            "the night, which backs its files up as they are, by playbooks/restore_files.yml (roost restore --files)."
        )
    wanted = {name: paths for name, paths in there.items() if name not in foreign}
    if sum(size_of(path) for paths in wanted.values() for path in paths) > SMALL_BYTES:
        wanted = {}
    return First([one for one in within_reach if _lacking(one, wanted, known)], wanted, warnings)


def _lacking(repository: Restic, sets: Mapping[str, Sequence[str]], known: State) -> set[str]:
    return set(sets.keys() - known.repositories.get(repository.name, {}).keys())
