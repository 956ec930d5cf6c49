"""A folder of the controller as the source of a release: which files belong to it, their hash, and an archive."""

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

IGNORED_FOLDERS = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__"})


def list_files(folder: Path) -> list[Path]:
    """Return the paths, relative to the folder and sorted, of the files and symbolic links that belong to it.

    In a git work tree these are the files that git tracks or would track. Elsewhere all but
    IGNORED_FOLDERS. Raises NotADirectoryError if there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    listing = subprocess.run(
        ["git", "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    known = listing.stdout.split(b"\0") if listing.returncode == 0 else []
    paths = [Path(os.fsdecode(name)) for name in known if name] or list(_walk(folder))
    return sorted({path for path in paths if _is_packable(folder / path)})


def content_id(folder: Path, files: list[Path]) -> str:
    """Return 40 hexadecimal digits that identify the files' names, contents and executable bits."""
    digest = hashlib.sha256()
    for path in files:
        file = folder / path
        if file.is_symlink():
            kind, content = b"link", os.fsencode(file.readlink())
        else:
            kind, content = (b"program" if _is_program(file) else b"file"), file.read_bytes()
        for part in (os.fsencode(path), kind, content):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:40]


def pack(folder: Path, files: list[Path], archive: Path) -> None:
    """Write the files into a compressed tar archive."""
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for path in files:
            tar.add(folder / path, arcname=str(path), recursive=False, filter=_anonymous)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in folder.walk():
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        linked = [name for name in folders if (parent / name).is_symlink()]
        for name in [*files, *linked]:
            yield (parent / name).relative_to(folder)


def _is_packable(file: Path) -> bool:
    return file.is_symlink() or file.is_file()


def _is_program(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o100)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry
