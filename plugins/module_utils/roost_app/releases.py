"""The folders of releases: which are complete, which is live, which may go."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
PUBLIC = 0o644


def point(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target` in one step: nobody ever sees it missing, nor after a power cut."""
    staged = link.with_name(f".{link.name}.next")
    staged.unlink(missing_ok=True)
    staged.symlink_to(target)
    staged.replace(link)
    flush(link.parent)


def flush(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def target_name(link: Path) -> str:
    """Return the last part of what a link points at, "" if there is no such link."""
    return link.readlink().name if link.is_symlink() else ""


def read_manifest(release: Path) -> dict[str, Any] | None:
    """Return the manifest of a complete release, None for a folder that is missing or half-built."""
    try:
        manifest: dict[str, Any] = json.loads((release / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return manifest


def write_manifest(release: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest in one step, which declares the release complete."""
    write_json(release / MANIFEST, manifest, PUBLIC)


def write_json(path: Path, data: Any, mode: int) -> None:
    """Write a JSON file in one step that reaches the disk."""
    staged = path.with_name(f".{path.name}.next")
    with staged.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=2, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    staged.chmod(mode)
    staged.replace(path)


def discard(release: Path) -> None:
    """Remove a release. It stops being a complete one first, so that a half-removed one is never used."""
    (release / MANIFEST).unlink(missing_ok=True)
    if release.is_dir():
        shutil.rmtree(release)


def discard_half_built(releases: Path) -> list[str]:
    """Remove the folders that killed builds left; return their names."""
    gone = [folder for folder in _folders(releases) if read_manifest(folder) is None]
    for folder in gone:
        discard(folder)
    return sorted(folder.name for folder in gone)


def inputs_digest(inputs: dict[str, Any]) -> str:
    """Return what identifies everything that goes into a build."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def choose_release(releases: Path, version: str, digest: str) -> tuple[str, bool]:
    """Return the id for a version built from the inputs with this digest, and whether that release is complete.

    The id is the version; -2, -3, ... is added when the same version was built from other inputs before.
    """
    number = 1
    while True:
        release = version if number == 1 else f"{version}-{number}"
        manifest = read_manifest(releases / release)
        if manifest is None:
            return release, False
        if manifest["inputs"] == digest:
            return release, True
        number += 1


def complete_releases(releases: Path) -> list[str]:
    """Return the ids of the complete releases, the newest first."""
    built = [(manifest["built"], folder.name) for folder in _folders(releases) if (manifest := read_manifest(folder))]
    return [name for _, name in sorted(built, reverse=True)]


def retained(complete: list[str], keep: int, used: set[str], failed: set[str]) -> set[str]:
    """Choose `keep` of the complete releases (the newest first): those in use, the newest others, failed ones last.

    Those in use are kept in any case.
    """
    others = sorted((release for release in complete if release not in used), key=lambda release: release in failed)
    room = max(0, keep - len(used.intersection(complete)))
    return {*used, *others[:room]}


def occupied(releases: Path, processes: Path = Path("/proc")) -> set[str]:
    """Return the releases that processes work in: background workers may still finish their tasks in an old one."""
    found = set()
    for link in processes.glob("[0-9]*/cwd"):
        with suppress(OSError):
            folder = link.readlink()
            if releases in folder.parents:
                found.add(folder.relative_to(releases).parts[0])
    return found


def prune(releases: Path, keep: int, used: set[str], failed: set[str]) -> list[str]:
    """Remove half-built releases, and complete ones that are not among the `keep` retained; return what went."""
    kept = retained(complete_releases(releases), keep, used, failed)
    gone = [folder for folder in _folders(releases) if folder.name not in kept]
    for folder in gone:
        discard(folder)
    return sorted(folder.name for folder in gone)


def _folders(releases: Path) -> list[Path]:
    return [path for path in releases.iterdir() if path.is_dir()] if releases.is_dir() else []
