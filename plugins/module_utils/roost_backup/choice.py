"""Which backup a restore begins with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ansible.module_utils.roost_backup.catalogue import Backup, Repository
from ansible.module_utils.roost_backup.errors import BackupError


@dataclass(frozen=True)
class Choice:
    """A backup, the name of its repository, the cluster that was backed up there last, and where its log ends there."""

    repository: str
    backup: Backup
    system_id: int
    archive_end: str = ""


def choose(
    repositories: Mapping[str, Repository], broken: Collection[str], *, label: str = "", until: float | None = None
) -> Choice:
    """Return the newest sound backup of the first repository that has one, made before `until` (seconds since the
    epoch) if that is given; or the one of this label. Raises BackupError, telling what there is."""
    if label:
        for name, repository in repositories.items():
            for backup in repository.backups:
                if backup.label == label:
                    return Choice(name, backup, repository.system_ids[-1], repository.archive_end)
        known = [backup.label for repository in repositories.values() for backup in repository.backups]
        raise BackupError(f"there is no backup {label}; there are: {', '.join(known) or 'none'}")
    for name, repository in repositories.items():
        for backup in reversed(repository.backups):
            if is_sound(backup, broken) and (until is None or backup.ended <= until):
                return Choice(name, backup, repository.system_ids[-1], repository.archive_end)
    when = " from before that moment" if until is not None else ""
    raise BackupError(f"no repository ({', '.join(repositories)}) has a sound backup{when}")


def is_sound(backup: Backup, broken: Collection[str]) -> bool:
    """Tell whether neither a backup nor one that it builds upon is known to be broken."""
    return not backup.damaged and not {backup.label, *backup.needs} & set(broken)
