"""The state directory of one tree: its lock, manifest, journal and marks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.journal import sync_directory
from ansible.module_utils.config_tree.record import write_new

DEFAULT_ROOT = "/var/lib/roost/config_tree"
LOCK_SECONDS = 120
_PAUSE_SECONDS = 0.2


class State:
    """Paths and small files of a tree's state. Only root can enter; see docs/config_tree.md for what lies where."""

    def __init__(self, root: str, name: str) -> None:
        self.directory = os.path.join(os.path.realpath(root), name)
        self.manifest = self._path("manifest.json")
        self.journal = self._path("journal")
        self.originals = self._path("originals")
        self.revert = self._path("revert")
        self._pending = self._path("pending")
        self._lock = self._path("lock")
        self._taken_back = self._path("taken-back")

    def prepare(self) -> None:
        """Make the directories."""
        root = os.path.dirname(self.directory)
        for path in (os.path.dirname(root), root, self.directory, self.originals, self._pending):
            _make_private(path)

    @contextlib.contextmanager
    def locked(self, read_only: bool = False) -> Iterator[None]:
        """Keep others away from the tree. Raises TreeError if they don't end within LOCK_SECONDS."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # read only, and no run has been here yet
            yield
            return
        try:
            _acquire(descriptor, fcntl.LOCK_SH if read_only else fcntl.LOCK_EX, self.directory)
            yield
        finally:
            os.close(descriptor)

    def pending(self) -> set[str]:
        """Return the topics that still have to be applied."""
        try:
            return set(os.listdir(self._pending))
        except FileNotFoundError:
            return set()

    def mark(self, topics: Iterable[str]) -> set[str]:
        """Mark topics as still to be applied, durably, and return those that weren't before."""
        new = set(topics) - self.pending()
        for topic in new:
            write_new(os.path.join(self._pending, topic), b"")
        if new:
            sync_directory(self._pending)
        return new

    def unmark(self, topics: Iterable[str]) -> None:
        """Remove marks."""
        for topic in topics:
            os.unlink(os.path.join(self._pending, topic))
        sync_directory(self._pending)

    def note_taken_back(self) -> None:
        """Remember that the last change was taken back."""
        if not self.was_taken_back():
            write_new(self._taken_back, b"")
            sync_directory(self.directory)

    def was_taken_back(self) -> bool:
        return os.path.exists(self._taken_back)

    def forget_taken_back(self) -> None:
        if self.was_taken_back():
            os.unlink(self._taken_back)

    def _path(self, name: str) -> str:
        return os.path.join(self.directory, name)


def _acquire(descriptor: int, kind: int, directory: str) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while not _try_lock(descriptor, kind):
        if time.monotonic() > deadline:
            raise TreeError(f"another run has been holding {directory}/lock for {LOCK_SECONDS} s")
        time.sleep(_PAUSE_SECONDS)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_private(path: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise TreeError(f"{path} must be a directory of root's")
    if stat.S_IMODE(status.st_mode) != 0o700:
        os.chmod(path, 0o700)
