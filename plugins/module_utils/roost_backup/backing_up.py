"""One run of the backups: make what is due, verify all there is, let go of what is old, and remember how it went."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.roost_backup import schedule, state
from ansible.module_utils.roost_backup.catalogue import Backup
from ansible.module_utils.roost_backup.clock import not_yet_made, which_is_wrong
from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.dumps import dump
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest, create_stanza
from ansible.module_utils.roost_backup.retention import Keep, expired
from ansible.module_utils.roost_backup.state import State


@dataclass
class Run:
    """A run over `repositories`, out of those with these `names`. One that fails doesn't hold up the others."""

    cluster: Cluster
    repositories: Sequence[PgBackRest]
    names: Collection[str]
    keep: Keep
    full_every_days: int
    dumps: int = 0
    kind: str = ""
    clock_is_right: bool = False
    made: list[dict[str, Any]] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def do(self) -> None:
        """Do it all. Raises BackupError, after everything that could be done was done, if anything failed."""
        with state.changed() as known, known.of_run(self.problems):
            for repository in self.repositories:
                try:
                    self._back_up_to(repository, known)
                except BackupError as problem:
                    self.problems.append(str(problem))
            self._dump()
            known.forget_all_but(self.names)

    def _back_up_to(self, repository: PgBackRest, known: State) -> None:
        before = repository.look()
        if not before.exists:
            create_stanza()
        backups = self._without_a_future(repository, before.backups)
        kind = self.kind or schedule.due(backups, known.broken, time.time(), self.full_every_days)
        made, needs = self._make(repository, kind, known)
        if needs & known.broken.keys() or (needs and made["label"] in known.broken):
            self.told.append(f"{repository.name}: the last full backup is broken, so another one was made.")
            made, _ = self._make(repository, "full", known)
        if reason := known.broken.get(made["label"]):
            raise BackupError(f"{repository.name}: the new backup {made['label']} is broken: {reason}")
        known.repositories[repository.name] = made
        self._expire(repository, known)

    def _without_a_future(self, repository: PgBackRest, backups: Sequence[Backup]) -> Sequence[Backup]:
        """Return the backups without those that are newer than now, which are removed if the clock is right."""
        now = time.time()
        future = not_yet_made(backups, now)
        if future and not self.clock_is_right:
            raise BackupError(f"{repository.name}: {which_is_wrong(future[-1], now)}")
        for backup in reversed(future):
            repository.forget(backup.label)
            self.expired.append(backup.label)
        return [backup for backup in backups if backup not in future]

    def _make(self, repository: PgBackRest, kind: str, known: State) -> tuple[dict[str, Any], frozenset[str]]:
        """Make a backup, verify everything, and return what was made and which backups it builds upon."""
        began = time.monotonic()
        repository.back_up(kind)
        seconds = round(time.monotonic() - began, 1)
        found = repository.look()
        if found.newest is None:
            raise BackupError(f"{repository.name}: there is no backup after one was made")
        made = {
            "label": found.newest.label,
            "kind": found.newest.kind,
            "seconds": seconds,
            "stored_bytes": found.newest.stored_bytes,
            "ended": found.newest.ended,
        }
        self.made.append({"repository": repository.name, **made})
        self._verify(repository, found.backups, known)
        return made, found.newest.needs

    def _verify(self, repository: PgBackRest, backups: Sequence[Backup], known: State) -> None:
        """Find out which backups are broken. Newly found ones are a problem, so that somebody hears of them."""
        found = repository.verify()
        damaged = {one.label: "pages of the database were damaged when it was made" for one in backups if one.damaged}
        # Of backups that were removed, an S3 server may go on showing empty folders.
        there = {backup.label for backup in backups}
        broken = {**damaged, **{label: reason for label, reason in found.broken.items() if label in there}}
        new = {made["label"] for made in self.made}
        self.problems += [
            f"{repository.name}: the backup {label} is broken: {reason}"
            for label, reason in broken.items()
            if label not in known.broken and label not in new
        ]
        if found.archive:
            self.problems.append(f"{repository.name}: the archive of WAL is damaged: {found.archive}")
        known.broken_in[repository.name] = broken

    def _dump(self) -> None:
        try:
            databases = self.cluster.databases() if self.dumps else []
        except BackupError as problem:
            self.problems.append(f"dumps: {problem}")
            return
        for database in databases:
            try:
                dump(self.cluster, database, self.dumps)
            except BackupError as problem:
                self.problems.append(f"dump of {database}: {problem}")

    def _expire(self, repository: PgBackRest, known: State) -> None:
        """Let go of what is old, unless something is wrong: then everything may still be needed."""
        if self.problems:
            return
        for label in expired(repository.look().backups, known.broken.keys(), self.keep):
            repository.expire(label)
            self.expired.append(label)
            known.broken_in[repository.name].pop(label, None)
        repository.expire_archive()
