"""What a tree owns on the host."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ansible.module_utils.config_tree.record import Record


class Owned(NamedTuple):
    """One path that the tree owns. `original` is what was there before the tree took it over, if anything."""

    topic: str
    secret: bool
    original: Record | None


class Manifest(NamedTuple):
    """All that a tree owns below `dest`: paths as they are declared, and the directories it made."""

    dest: str
    owned: dict[str, Owned]
    directories: frozenset[str]

    def encode(self) -> bytes:
        return json.dumps(
            {
                "dest": self.dest,
                "owned": {path: owned._asdict() for path, owned in sorted(self.owned.items())},
                "directories": sorted(self.directories),
            },
            indent=1,
        ).encode()


def decode_manifest(text: bytes) -> Manifest:
    written: dict[str, Any] = json.loads(text)
    owned = {path: Owned(**entry) for path, entry in written["owned"].items()}
    return Manifest(written["dest"], owned, frozenset(written["directories"]))
