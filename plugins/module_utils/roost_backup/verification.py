"""What `pgbackrest verify` found. It prints that a repository is broken and exits with 0 even so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

STATUS = re.compile(r"^status: (\w+)", re.MULTILINE)
BACKUP = re.compile(r"^ *backup: (\S+), status: (\w[\w -]*),.*\n((?: {4,}\S.*\n?)*)", re.MULTILINE)
ARCHIVE = re.compile(r"^ *archiveId: (\S+),.*\n((?: {4,}\S.*\n?)*)", re.MULTILINE)
COUNT = re.compile(r"([a-z][a-z ]*): (\d+)")
# Backups that are made or removed meanwhile.
HARMLESS = frozenset({"valid", "in-progress"})


@dataclass(frozen=True)
class Verification:
    """`broken` maps the labels of backups to what is wrong with them; `archive` says what is wrong with the WAL."""

    broken: dict[str, str] = field(default_factory=dict)
    archive: str = ""


def parse(printed: str) -> Verification:
    """Read what `pgbackrest verify --output=text` printed. Raises ValueError if it isn't that."""
    status = STATUS.search(printed)
    if status is None:
        raise ValueError("no status")
    broken = {match[1]: _counts(match[3]) or match[2] for match in BACKUP.finditer(printed) if match[2] not in HARMLESS}
    archive = "; ".join(f"{match[1]}: {wrong}" for match in ARCHIVE.finditer(printed) if (wrong := _counts(match[2])))
    if status[1] != "ok" and not broken and not archive:
        archive = " ".join(printed.split())[:200]
    return Verification(broken, archive)


def _counts(lines: str) -> str:
    """`2 files with an invalid checksum` and the like; nothing if all counts are 0."""
    return ", ".join(f"{number} {what.strip()}" for what, number in COUNT.findall(lines) if int(number))
