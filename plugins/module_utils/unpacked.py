"""Unpack what a run sends to a host once, so that Python compiles it once, and not for each task.

In packed modules this is the beginning of the package `ansible`: plugins/callback/packed_modules.py.
"""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

# Gone with a reboot, and for root alone.
FOLDER = Path("/run/roost-modules")
DAYS_UNUSED = 7


def unpacked(path: list[str], state: str, folder: Path = FOLDER) -> list[str]:
    """Return a package's path, preceded by where its archive was unpacked to. Only root unpacks."""
    package = Path(path[0])
    if os.geteuid() != 0 or not package.parent.is_file():
        return path
    try:
        unpack(package.parent, folder / state)
    except OSError:
        return path
    return [str(folder / state / package.name), *path]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack what the folder lacks; archives of the same state share files. May be killed, or run beside itself."""
    done = folder / archive.name
    if done.exists():
        return
    remove_unused(folder.parent)
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            file = folder / name
            if file.exists() or not name.startswith("ansible/"):
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_name(f"{file.name}.{os.getpid()}")
            unfinished.write_bytes(packed.read(name))
            unfinished.replace(file)
    done.touch()


def remove_unused(folder: Path) -> None:
    """Remove what runs of other states left long ago. A task that still uses it goes on from its archive."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for found in folder.iterdir():
        if time.time() - found.stat().st_mtime > DAYS_UNUSED * 86_400:
            shutil.rmtree(found, ignore_errors=True)
