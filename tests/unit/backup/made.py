"""Backups, repositories and a cluster as tests want them, without pgBackRest and PostgreSQL."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible.module_utils.roost_backup.catalogue import Backup, Repository
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.verification import Verification

DAY = 86400
# 2026-01-05T02:30:00Z, a Monday.
FIRST_NIGHT = 1767580200
TAKES = 600


def full(day: float, **changes: object) -> Backup:
    """A full backup of so many nights after the first."""
    started = int(FIRST_NIGHT + day * DAY)
    label = time.strftime("%Y%m%d-%H%M%SF", time.gmtime(started))
    made = Backup(label, "full", started, started + TAKES, 1000, 400, frozenset(), damaged=False, archive_start="0")
    return replace(made, **changes)


def diff(day: float, base: Backup, **changes: object) -> Backup:
    """A differential backup that builds on `base`."""
    made = full(day)
    label = f"{base.label}_{made.label[:-1]}D"
    return replace(made, label=label, kind="diff", stored_bytes=20, needs=frozenset({base.label}), **changes)


def holding(*backups: Backup) -> Repository:
    return Repository(tuple(backups), (1,), exists=True, problem="")


@dataclass
class FakeRepository:
    """It does what it is asked, on the day `day`, unless it is `unreachable`. `broken` is what verification finds."""

    name: str
    day: float = 0
    backups: list[Backup] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    archive: str = ""
    unreachable: bool = False
    exists: bool = True
    spoils: bool = False
    system_ids: tuple[int, ...] = (1,)
    archive_end: str = ""
    asked: list[str] = field(default_factory=list)

    def look(self) -> Repository:
        if self.unreachable:
            raise BackupError(f"{self.name}: the server can't be reached")
        return replace(
            holding(*self.backups), exists=self.exists, system_ids=self.system_ids, archive_end=self.archive_end
        )

    def back_up(self, kind: str) -> None:
        self.asked.append(kind)
        # No two have the same label.
        self.day += 0.01
        fulls = [backup for backup in self.backups if backup.kind == "full"]
        made = full(self.day) if kind == "full" else diff(self.day, fulls[-1])
        self.backups.append(made)
        if self.spoils or made.needs & self.broken.keys():
            self.broken[made.label] = "1 checksum invalid"

    def verify(self) -> Verification:
        self.asked.append("verify")
        return Verification(dict(self.broken), self.archive)

    def expire(self, label: str) -> None:
        self.asked.append(f"expire {label}")
        self.backups = [backup for backup in self.backups if backup.label != label and label not in backup.needs]
        self.broken.pop(label, None)

    def forget(self, label: str) -> None:
        self.expire(label)

    def expire_archive(self) -> None:
        self.asked.append("expire archive")

    def restore(self, folder: str, label: str, *, until: str = "", **_: object) -> None:
        self.asked.append(f"restore {label} {until}".strip())
        if self.unreachable:
            raise BackupError(f"{self.name}: the server can't be reached")
        (Path(folder) / "PG_VERSION").write_text("15\n")
        (Path(folder) / "what").write_text("restored\n")


class FakeCluster:
    """A cluster whose data say in the file `what` which state they are; a state in `refuses` never starts."""

    name = "main"
    version = "15"
    port = 5432

    def __init__(self, folder: Path, what: str = "before") -> None:
        self.data = folder / self.name
        self.data.mkdir()
        (self.data / "PG_VERSION").write_text("15\n")
        (self.data / "what").write_text(f"{what}\n")
        self.running = True
        self.refuses: set[str] = set()
        self.mute: set[str] = set()
        self.names = ["atlas", "postgres"]
        self.committed = FIRST_NIGHT + DAY
        self.archiving = 0
        self.number = 1
        self.asked: list[str] = []

    @property
    def what(self) -> str:
        file = self.data / "what"
        return file.read_text().strip() if file.is_file() else ""

    def program(self, name: str) -> str:
        return f"/bin/{name}"

    def start(self) -> None:
        self.asked.append("start")
        self.running = self.what not in {"", *self.refuses}
        if not self.running:
            raise BackupError("PostgreSQL did not start")

    def stop(self) -> None:
        self.asked.append("stop")
        self.running = False

    def wait_until_open(self, _: float) -> None:
        self.asked.append("wait")
        if not self.running:
            raise BackupError("PostgreSQL did not start from what was restored")

    def wait_until_archived(self) -> None:
        self.asked.append("wait for the archive")

    def databases(self, _: str = "") -> list[str]:
        if not self.running:
            raise BackupError("PostgreSQL does not answer")
        return self.names

    def sql(self, text: str, database: str = "postgres") -> str:
        self.asked.append(f"{database}: {text}")
        if database in self.mute or not self.running:
            raise BackupError(f"{database} does not answer")
        return "1"

    def is_up(self, _: str = "") -> bool:
        return self.running

    def system_id(self) -> int:
        return self.number

    def last_commit(self, _: str = "") -> float:
        return self.committed


def labels(backups: Sequence[Backup]) -> list[str]:
    return [backup.label for backup in backups]
