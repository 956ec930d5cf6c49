"""The argument that all modules about backups have in common."""

from __future__ import annotations

from typing import Any

REPOSITORY = {"key": {"type": "int", "required": True}, "name": {"type": "str", "required": True}}
REPOSITORIES: dict[str, Any] = {
    "repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY},
}
