"""What a slot is started with: copies of the environment and the units, its own from then on.

What is written for the next start, such as a variable that the application can't bear, never reaches a slot that runs,
not even when it is started again by a reboot or after a crash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.paths import AppPaths, ServerPaths
from ansible.module_utils.roost_app.releases import flush

SECRET = 0o600
PUBLIC = 0o644


@dataclass(frozen=True)
class SlotFiles:
    """The files that the slots of an application read besides its releases."""

    paths: AppPaths
    servers: Sequence[ServerPaths]

    def equip(self, slot: str) -> None:
        """Give a slot that does not run the present files."""
        copy(self.paths.environment, self.paths.slot_environment(slot), SECRET)
        for server in self.servers:
            for kind in server.KINDS:
                copy(server.template(kind), server.own_file(slot, kind), PUBLIC)
        record = self.paths.slot_start(slot)
        record.touch(mode=SECRET)
        record.write_text(self._digest(), encoding="utf-8")

    def are_of(self, slot: str) -> bool:
        """Tell whether a slot was started with the present files."""
        record = self.paths.slot_start(slot)
        return record.is_file() and record.read_text(encoding="utf-8") == self._digest()

    def present(self) -> list[Path]:
        """Return the files that the next start of a slot reads."""
        return [self.paths.environment, *(file for server in self.servers for file in server.files)]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for file in self.present():
            digest.update(file.read_bytes() + b"\0" if file.is_file() else b"\0")
        return digest.hexdigest()


def copy(source: Path, target: Path, mode: int) -> None:
    """Let a file be a copy of another one, in one step that reaches the disk. Without a source there is no copy."""
    if not source.is_file():
        target.unlink(missing_ok=True)
        return
    staged = target.with_name(f".{target.name}.next")
    staged.unlink(missing_ok=True)
    staged.touch(mode=mode)
    with staged.open("wb") as file:
        file.write(source.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    staged.replace(target)
    flush(target.parent)
