"""Where the playbooks, roles and plugins lie: in the clone, or in the installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundle_root() -> Path:
    """Return the folder that holds `site.yml`, `playbooks`, `roles` and `plugins`."""
    clone = _PACKAGE.parent.parent
    return clone if (clone / "site.yml").is_file() else _PACKAGE / "bundle"


def project_root(inventory: Path) -> Path:
    """Return the folder that relative paths of a stack start from.

    It is the folder that holds `inventories/`, or the environment's own folder if it stands elsewhere.
    """
    inventory = inventory.resolve()
    return inventory.parent.parent if inventory.parent.name == "inventories" else inventory
