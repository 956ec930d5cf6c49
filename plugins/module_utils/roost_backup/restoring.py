"""Restore the cluster in place. What is replaced is kept aside until somebody confirms, and comes back if it fails."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup.choice import Choice
from ansible.module_utils.roost_backup.cluster import Cluster
from ansible.module_utils.roost_backup.commands import run
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest
from ansible.module_utils.roost_backup.received import Received

JOURNAL = Path("/var/lib/roost/backup/restore.json")
RECOVERY_SECONDS = 24 * 3600
ROOM = 1.05


@dataclass(frozen=True)
class InPlace:
    """The restore of `cluster`. Its data directory is renamed, never removed, before another takes its place."""

    cluster: Cluster
    journal: Path = JOURNAL

    def kept_aside(self) -> list[Path]:
        """Return the data directories that restores have replaced, the oldest first."""
        return sorted(self.cluster.data.parent.glob(f"{self.cluster.name}.before-*"))

    def restore(self, repository: PgBackRest, choice: Choice, until: str, received: Received | None = None) -> Path:
        """Put the restored state in the place of the present one, and return where that is kept.

        What was `received` of the log is replayed where the archive ends.

        Raises BackupError if the restored state doesn't pass its checks; the present one is back then.
        """
        self.refuse_without_room(choice)
        with self._replacing() as kept:
            repository.restore(str(self.cluster.data), choice.backup.label, until=until)
            if received is not None:
                received.lay_beside(self.cluster.data)
            self.cluster.start()
            self.cluster.wait_until_open(RECOVERY_SECONDS)
            self._check()
        return kept

    def undo(self) -> Path:
        """Bring back what the last restore has replaced, and keep aside what it had brought."""
        before = self.kept_aside()
        if not before:
            raise BackupError("no restore has kept anything aside")
        with self._replacing(before[-1]) as kept:
            self.cluster.data.rmdir()
            before[-1].rename(self.cluster.data)
            self.cluster.start()
            self.cluster.wait_until_open(RECOVERY_SECONDS)
        return kept

    def confirm(self) -> list[Path]:
        """Remove everything that restores have kept aside."""
        gone = self.kept_aside()
        for folder in gone:
            shutil.rmtree(folder)
        return gone

    def repair(self) -> bool:
        """Undo a restore that was killed; tell whether there was one."""
        if not self.journal.is_file():
            return False
        written = json.loads(self.journal.read_text(encoding="utf-8"))
        self._put_back(Path(written["kept"]), Path(written["taken"]) if written["taken"] else None)
        return True

    def refuse_without_room(self, choice: Choice) -> None:
        """Raise BackupError if the disk can't hold the restored state beside the present one."""
        needed = choice.backup.database_bytes * ROOM
        free = shutil.disk_usage(self.cluster.data.parent).free
        if free < needed:
            wanted, there = (f"{size / 2**20:.0f} MiB" for size in (needed, free))
            raise BackupError(f"the restored cluster needs {wanted} beside the present one, and {there} are free")

    @contextmanager
    def _replacing(self, taken: Path | None = None) -> Iterator[Path]:
        """Move the present state aside, and give its place; if anything fails, the present state is back.

        What had come there is removed then, or goes back to where it was `taken` from.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = self.cluster.data.with_name(f"{self.cluster.name}.before-{stamp}")
        if kept.exists():
            raise BackupError(f"{kept} is there already: try again in a moment")
        self._write_journal(kept, taken)
        try:
            self.cluster.stop()
            if self.cluster.data.exists():
                self.cluster.data.rename(kept)
            run(["install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0700", str(self.cluster.data)])
            yield kept
        except BaseException as problem:
            there_was_one = kept.exists()
            self._put_back(kept, taken)
            if isinstance(problem, BackupError) and there_was_one:
                raise BackupError(f"{problem}\nWhat was there before is back.") from None
            raise
        self.journal.unlink()

    def _put_back(self, kept: Path, taken: Path | None) -> None:
        if kept.exists():
            self.cluster.stop()
            if taken is not None and not taken.exists() and self.cluster.data.exists():
                self.cluster.data.rename(taken)
            if self.cluster.data.exists():
                shutil.rmtree(self.cluster.data)
            kept.rename(self.cluster.data)
        # One that was down or damaged before the restore is so again.
        with suppress(BackupError):
            self.cluster.start()
        self.journal.unlink()

    def _check(self) -> None:
        """Raise BackupError if a database of the restored cluster doesn't answer."""
        for database in self.cluster.databases():
            self.cluster.sql("SELECT count(*) FROM pg_class", database)

    def _write_journal(self, kept: Path, taken: Path | None) -> None:
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.journal.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"kept": str(kept), "taken": str(taken or "")}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.journal)
