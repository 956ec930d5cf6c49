"""One path, opened by its parent directory, so that nobody can redirect a change by planting a symlink."""

from __future__ import annotations

import contextlib
import errno
import os
from types import TracebackType

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.node import DIRECTORY, FILE, LINK, Node, look

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """A name in an open directory. `path` must be absolute and without symlinks in its parents.

    What is staged under another name in the same directory is put in place by `commit`, in one step.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        parent, self._name = os.path.split(path)
        self._directory = _open_directory(parent)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._directory)

    def read(self) -> bytes:
        """Return the content of the regular file here."""
        with open(os.open(self._name, _READ, dir_fd=self._directory), "rb") as file:
            return file.read()

    def extended_attributes(self) -> dict[str, bytes]:
        """Return the file's extended attributes, access lists among them."""
        descriptor = os.open(self._name, _READ, dir_fd=self._directory)
        try:
            return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
        except OSError:  # a file system without them
            return {}
        finally:
            os.close(descriptor)

    def times(self) -> tuple[int, int]:
        """Return when the file was last read and written, in nanoseconds."""
        status = os.stat(self._name, dir_fd=self._directory, follow_symlinks=False)
        return status.st_atime_ns, status.st_mtime_ns

    def stage_file(
        self,
        staged: str,
        content: bytes,
        node: Node,
        times: tuple[int, int] | None = None,
        attributes: dict[str, bytes] | None = None,
    ) -> None:
        """Write a new file under the name `staged`, durably, with the owner, group and mode of `node`."""
        self.discard(staged)
        with open(os.open(staged, _CREATE, 0o600, dir_fd=self._directory), "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), node.uid, node.gid)
            os.fchmod(file.fileno(), node.mode)
            for name, value in (attributes or {}).items():
                with contextlib.suppress(OSError):  # not every attribute can be set on every file system
                    os.setxattr(file.fileno(), name, value)
            if times:
                os.utime(file.fileno(), ns=times)
            os.fsync(file.fileno())

    def stage_link(self, staged: str, node: Node) -> None:
        """Make a new symlink under the name `staged`."""
        self.discard(staged)
        os.symlink(node.target, staged, dir_fd=self._directory)
        os.chown(staged, node.uid, node.gid, dir_fd=self._directory, follow_symlinks=False)

    def commit(self, staged: str) -> None:
        """Put what is staged in place of what is here."""
        os.rename(staged, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)

    def make_directory(self, node: Node) -> None:
        os.mkdir(self._name, 0o700, dir_fd=self._directory)
        self.set_directory(node)

    def set_directory(self, node: Node) -> None:
        """Give the directory here the owner, group and mode of `node`."""
        descriptor = os.open(self._name, _DIRECTORY, dir_fd=self._directory)
        try:
            os.fchown(descriptor, node.uid, node.gid)
            os.fchmod(descriptor, node.mode)
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the file, symlink or directory here, if there is one. A directory that is not empty stays."""
        kind = look(self.path).kind
        if kind in (FILE, LINK):
            self.discard(self._name)
        elif kind == DIRECTORY:
            try:
                os.rmdir(self._name, dir_fd=self._directory)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise

    def discard(self, name: str) -> None:
        """Remove the file or symlink `name` of this directory, if there is one."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._directory)

    def sync(self) -> None:
        """Make what happened in this directory durable."""
        os.fsync(self._directory)


def _open_directory(path: str) -> int:
    descriptor = os.open("/", _DIRECTORY)
    for part in path.strip("/").split("/"):
        if not part:
            continue
        try:
            below = os.open(part, _DIRECTORY, dir_fd=descriptor)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise TreeError(f"{path} changed while it was in use") from error
        except OSError as error:
            raise TreeError(f"{path} can't be opened: {error.strerror}") from error
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor
