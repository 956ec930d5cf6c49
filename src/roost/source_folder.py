"""A folder of the controller as the source of a release: which files belong to it, their hash, and an archive."""

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

MADE_HERE = (".venv/", "venv/", "node_modules/", "__pycache__/")
"""Left out unless git tracks them: they are made from the source, for this machine."""


def list_files(folder: Path) -> list[Path]:
    """Return the paths, relative to the folder and sorted, of the files and symbolic links that belong to it.

    These are the files that git tracks or would track, also in the repositories within it, such as submodules, and
    also if the folder itself is no repository: what its .gitignore files name is left out, and so are MADE_HERE.
    Raises NotADirectoryError if there is no such folder, OSError if it can't be read.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    found = set(_within(folder))
    return sorted(path for path in found if _is_packable(folder / path))


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


def _within(folder: Path) -> Iterator[Path]:
    for path in _listed(folder):
        inner = folder / path
        if inner.is_dir() and not inner.is_symlink():
            yield from (path / name for name in _within(inner))
        else:
            yield path


def _listed(folder: Path) -> list[Path]:
    """Return what git lists of a folder: files, and as a whole each folder that is a repository of its own."""
    excluded = [f"--exclude={name}" for name in MADE_HERE]
    listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", *excluded]
    done = _git(folder, *listing)
    # Nothing is listed of a folder that the repository around it ignores.
    if done.returncode != 0 or not done.stdout:
        with TemporaryDirectory() as empty:
            _git(folder, "init", "--quiet", "--bare", empty)
            done = _git(folder, f"--git-dir={empty}", f"--work-tree={folder}", *listing)
    if done.returncode != 0:
        raise OSError(f"git can't list {folder}: {os.fsdecode(done.stderr).strip()}")
    return [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder that may belong to somebody else, whose programs are not run."""
    trusting = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *trusting, *arguments]
    return subprocess.run(command, capture_output=True, check=False, env=environment)


def _is_packable(file: Path) -> bool:
    return file.is_symlink() or file.is_file()


def _is_program(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o100)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry
