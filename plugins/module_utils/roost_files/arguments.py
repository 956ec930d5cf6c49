"""The arguments that all modules about backups of files have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.roost_files.restic import Restic

REPOSITORIES: dict[str, Any] = {
    "repositories": {"type": "list", "elements": "str", "required": True},
}
SET = {"name": {"type": "str", "required": True}, "paths": {"type": "list", "elements": "str", "required": True}}
SETS: dict[str, Any] = {"sets": {"type": "list", "elements": "dict", "required": True, "options": SET}}


def repositories_of(params: Mapping[str, Any]) -> list[Restic]:
    """Return the repositories that a module was given."""
    return [Restic(name) for name in params["repositories"]]
