"""Applications that are no longer declared on a host: their processes end, their data stays."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.paths import SLOTS, UNITS, AppPaths
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_app.warm import Keeper


def undeclared(declared: Collection[str], systemd: Systemd, host: Path = Path("/")) -> list[AppPaths]:
    """Return the applications that run here, or would at the next boot, and are not among the declared ones."""
    found = [AppPaths(folder.parent.name, host) for folder in sorted((host / "srv").glob("*/slots"))]
    return [
        paths
        for paths in found
        if paths.name not in declared and (_starts_at_boot(paths) or systemd.any_active_or_enabled(*_units(paths)))
    ]


def stop(paths: AppPaths, systemd: Systemd, who: str) -> None:
    """Stop both slots for good."""
    with deploy_lock(paths.lock, who):
        for slot in SLOTS:
            Keeper(paths, systemd).end(slot)
        retire(_units(paths), systemd, paths.host)
        for slot in SLOTS:
            paths.slot_environment(slot).unlink(missing_ok=True)


def retire(units: list[str], systemd: Systemd, host: Path) -> None:
    """Stop units for good and remove their files. Templates may be gone already; systemd remembers what runs."""
    enabled = [unit for unit in units if _has_link(unit, host) or systemd.all_enabled(unit)]
    if enabled:
        systemd.disable(*enabled)
    running = [unit for unit in units if systemd.any_active_or_enabled(unit)]
    if running:
        systemd("stop", *running)
    systemd.forget_failures(*units)
    own_files = [file for unit in units if (file := host / UNITS / unit).exists()]
    for file in own_files:
        file.unlink()
    if own_files:
        systemd("daemon-reload")


def farewell(names: list[str], check_mode: bool) -> str:
    """Say what becomes of them."""
    verb = ("is" if len(names) == 1 else "are") if check_mode else ("was" if len(names) == 1 else "were")
    stopped = f"{verb} to be stopped" if check_mode else f"{verb} stopped"
    folders = ", ".join(f"/srv/{name}" for name in names)
    return f"{', '.join(names)} {stopped}: no longer declared. The data stays, in {folders} and in the databases."


def _starts_at_boot(paths: AppPaths) -> bool:
    """Tell whether links to its units are left; of units without a file, systemd itself does not tell."""
    return any(_has_link(unit, paths.host) for unit in _units(paths))


def _has_link(unit: str, host: Path) -> bool:
    # By the names in the folders: Python 3.11 finds no link to a file that is gone when it is asked for its name.
    return any(link.name == unit for link in (host / UNITS).glob("*.wants/*"))


def _units(paths: AppPaths) -> list[str]:
    return [unit for server in (paths.server, paths.frontend) for slot in SLOTS for unit in server.units(slot)]
