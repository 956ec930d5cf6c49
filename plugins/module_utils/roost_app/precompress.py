"""Compressed twins of the files that the web server sends, so that it doesn't compress them at each request."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible.module_utils.roost_app.commands import run

# What these write has the mode, the owner and the time of its file, and is the same on each host.
COMPRESSORS = {
    # More takes five times as long, for a tenth less to send.
    ".br": ("brotli", "--quality=9", "--keep"),
    # Without --force it refuses files with a second hard link.
    ".gz": ("gzip", "--no-name", "--keep", "--force"),
}
# What nginx would compress by itself: __nginx_compressed_types of its role.
KINDS = re.compile(
    r"\.(atom|css|csv|geojson|html?|m?js|json|jsonld|map|svg|ttf|txt|wasm|webmanifest|xml)", re.IGNORECASE
)
SMALLEST = 1024
BATCH = 25


def precompress(folder: Path, former: Path) -> None:
    """Give the files of a folder their twins: those of the same file of another release, or new ones.

    `former` is that folder of the other release. Both must be root's alone, and what leads to them no links. A file
    keeps the twin that it has already, and gets none that isn't smaller.
    """
    files = sorted(compressible(folder), key=lambda file: file.stat().st_size, reverse=True)
    for file in files:
        take_over_twins(file, former / file.relative_to(folder))
    # A host that an older version of Roost set up has no brotli yet.
    endings = [ending for ending, (program, *_) in COMPRESSORS.items() if shutil.which(program)]
    jobs = [(ending, batch) for ending in endings for batch in batches(without_twin(files, ending))]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(compress, jobs))


def compressible(folder: Path) -> Iterator[Path]:
    """Give the files below a folder that are worth it."""
    for parent, _, names in os.walk(folder):
        for file in (Path(parent) / name for name in names):
            if KINDS.fullmatch(file.suffix) and is_plain(file) and file.stat().st_size >= SMALLEST:
                yield file


def is_plain(file: Path) -> bool:
    """Tell whether a path is that of a file, without a link on the way: links may lead to what isn't public."""
    return file.is_file() and file.resolve() == file


def twin(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def without_twin(files: Sequence[Path], ending: str) -> list[Path]:
    return [file for file in files if not os.path.lexists(twin(file, ending))]


def take_over_twins(file: Path, former: Path) -> None:
    """Copy the twins of a former file if it is the same as this one."""
    known = [ending for ending in COMPRESSORS if is_plain(twin(former, ending)) and without_twin([file], ending)]
    if not known or not is_plain(former) or not filecmp.cmp(file, former, shallow=False):
        return
    status = file.stat()
    for ending in known:
        copy = Path(shutil.copyfile(twin(former, ending), twin(file, ending)))
        os.chown(copy, status.st_uid, status.st_gid)
        shutil.copystat(file, copy)


def batches(files: Sequence[Path]) -> list[Sequence[Path]]:
    """Deal files, the largest first, to as many commands as they need."""
    count = -(-len(files) // BATCH)
    return [files[start::count] for start in range(count)]


def compress(job: tuple[str, Sequence[Path]]) -> None:
    """Write the twins of one batch."""
    ending, files = job
    run([*COMPRESSORS[ending], *map(str, files)])
    for file in files:
        if twin(file, ending).stat().st_size >= file.stat().st_size:
            twin(file, ending).unlink()
