"""Where Ansible's collections lie, and which are missing."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from roost.errors import UsageError
from roost.paths import bundle_root


def collections_path() -> str:
    """The value for ANSIBLE_COLLECTIONS_PATH.

    Raises UsageError if a collection of requirements.yml is in none of its folders.
    """
    requirements = bundle_root() / "requirements.yml"
    folders = _folders()
    missing = missing_collections(yaml.safe_load(requirements.read_text()), folders)
    if missing:
        raise UsageError(
            f"Ansible's collections are missing: {', '.join(missing)}.",
            hint=f"Install them: ansible-galaxy collection install -r {requirements}",
        )
    return os.pathsep.join(map(str, folders))


def missing_collections(requirements: dict[str, Any], folders: Iterable[Path]) -> list[str]:
    """The names of the required collections that are in none of the folders."""
    names = [str(entry["name"]) for entry in requirements["collections"]]
    roots = [folder / "ansible_collections" for folder in folders]
    return [name for name in names if not any((root / name.replace(".", "/")).is_dir() for root in roots)]


def _folders() -> list[Path]:
    """The operator's own setting, or those of a clone, of the project, of the user and of the system."""
    if own := os.environ.get("ANSIBLE_COLLECTIONS_PATH"):
        return [Path(folder).expanduser() for folder in own.split(os.pathsep)]
    return [
        bundle_root() / ".cache/collections",
        Path.cwd() / ".cache/collections",
        Path.home() / ".ansible/collections",
        Path("/usr/share/ansible/collections"),
    ]
