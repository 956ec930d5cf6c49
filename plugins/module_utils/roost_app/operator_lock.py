"""A person's lock: no deploy and no rollback of an application until it is taken away."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible.module_utils.roost_app.errors import LockHeldError
from ansible.module_utils.roost_app.paths import AppPaths


@dataclass(frozen=True)
class OperatorLock:
    """Who locked an application, since when (UTC), and why."""

    who: str
    since: str
    why: str

    def describe(self, app: str) -> str:
        return f"{app} is locked by {self.who} since {self.since}: {self.why}"


def read_lock(file: Path) -> OperatorLock | None:
    """Return the lock, None if there is none. A lock that can't be read still locks."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    try:
        return OperatorLock(**json.loads(text))
    except (ValueError, TypeError):
        return OperatorLock("somebody", "an unknown time", text.strip()[:200] or f"{file} is empty")


def write_lock(file: Path, lock: OperatorLock) -> None:
    """Write the lock in one step."""
    staged = file.with_name(f".{file.name}.next")
    staged.write_text(json.dumps(asdict(lock), ensure_ascii=False) + "\n", encoding="utf-8")
    staged.chmod(0o644)
    staged.replace(file)


def refuse_if_locked(paths: AppPaths) -> None:
    """Raise LockHeldError, saying who locked the application since when and why."""
    if lock := read_lock(paths.operator_lock):
        raise LockHeldError(lock.describe(paths.name))
