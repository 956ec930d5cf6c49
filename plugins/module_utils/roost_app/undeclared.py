"""Applications that are no longer declared on a host: their processes end, their data stays."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.paths import SLOTS, AppPaths
from ansible.module_utils.roost_app.systemd import Systemd


def undeclared(declared: Collection[str], systemd: Systemd, host: Path = Path("/")) -> list[AppPaths]:
    """Return the applications that run here, or would at the next boot, and are not among the declared ones."""
    found = [AppPaths(folder.parent.name, host) for folder in sorted((host / "srv").glob("*/slots"))]
    return [
        paths
        for paths in found
        if paths.name not in declared and (_starts_at_boot(paths) or systemd.any_active_or_enabled(*_units(paths)))
    ]


def stop(paths: AppPaths, systemd: Systemd, who: str) -> None:
    """Stop both slots for good. Their unit files may be gone already; systemd remembers what runs."""
    with deploy_lock(paths.lock, who):
        systemd("disable", *_units(paths))
        running = [unit for unit in _units(paths) if systemd.any_active_or_enabled(unit)]
        if running:
            systemd("stop", *running)
        systemd.forget_failures(*_units(paths))


def farewell(names: list[str], check_mode: bool) -> str:
    """Say what becomes of them."""
    verb = ("is" if len(names) == 1 else "are") if check_mode else ("was" if len(names) == 1 else "were")
    stopped = f"{verb} to be stopped" if check_mode else f"{verb} stopped"
    folders = ", ".join(f"/srv/{name}" for name in names)
    return f"{', '.join(names)} {stopped}: no longer declared. The data stays, in {folders} and in the databases."


def _starts_at_boot(paths: AppPaths) -> bool:
    """Tell whether links to its units are left; of units without a file, systemd itself does not tell."""
    folder = paths.host / "etc/systemd/system"
    return any(True for slot in SLOTS for _ in folder.glob(f"*.wants/{paths.name}@{slot}.*"))


def _units(paths: AppPaths) -> list[str]:
    return [paths.unit(slot, kind) for slot in SLOTS for kind in ("socket", "service")]
