"""What only the receiver of the log has: files of it from after the archive's end, for a restored cluster."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup.commands import run
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import archive

NAME = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
PRIVATE = 0o600


@dataclass(frozen=True)
class Received:
    """A tar file with `names`, of which one that is `.partial` there has its plain name in it."""

    bundle: Path
    names: Collection[str]

    def lay_beside(self, data: Path) -> None:
        """Put the files where PostgreSQL looks for what the archive hasn't. Raises BackupError."""
        self._extract(data / "pg_wal")

    def archive_from(self, folder: Path) -> None:
        """Archive the full files from a folder that is made for it. Raises BackupError.

        A later restore of an earlier backup has to come past them, and PostgreSQL doesn't archive what it has replayed.
        The last one isn't full: PostgreSQL itself archives that as what it is, where a timeline ends.
        """
        run(["install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0700", str(folder)])
        try:
            self._extract(folder)
            for name in sorted(self.names):
                # Names of those that aren't full have no file.
                if (folder / name).is_file():
                    archive(folder / name)
        finally:
            shutil.rmtree(folder)

    def _extract(self, folder: Path) -> None:
        try:
            with tarfile.open(self.bundle) as tar:
                for entry in tar:
                    content = tar.extractfile(entry)
                    if content is None or not NAME.fullmatch(entry.name):
                        raise BackupError(f"{entry.name!r} is no file of the log")
                    with (folder / entry.name).open("wb") as file:
                        shutil.copyfileobj(content, file)
                    (folder / entry.name).chmod(PRIVATE)
                    shutil.chown(folder / entry.name, "postgres", "postgres")
        except tarfile.TarError as problem:
            raise BackupError(f"what the receiver gave can't be read: {problem}") from None
