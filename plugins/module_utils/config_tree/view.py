"""The file system as the next change finds it: without what is about to go."""

from __future__ import annotations

import os
from collections import deque

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.journal import History
from ansible.module_utils.config_tree.node import ABSENT, DIRECTORY, LINK, NOTHING, Node, look
from ansible.module_utils.config_tree.place import Place

_MOST_LINKS = 40


class View:
    """Looks at paths. What interrupted runs left changed is shown as it was, according to `past`."""

    def __init__(self, past: History | None = None) -> None:
        self._past = past or History([])
        self._gone: set[str] = set()

    def look(self, path: str) -> Node:
        """Return what is at `path`, which must not lead through symlinks; see `resolve`."""
        if path in self._gone:
            return NOTHING
        return self._past.node(path) if self._past.touches(path) else look(path)

    def content(self, path: str) -> bytes:
        """Return the content of the file at `path`."""
        if self._past.touches(path):
            return self._past.content(path)
        with Place(path) as place:
            return place.read()

    def names(self, path: str) -> set[str]:
        """Return the names in the directory at `path`, without those that are about to go."""
        present = set(os.listdir(path)) if look(path).kind == DIRECTORY else set()
        names = self._past.names(path, present)
        return {name for name in names if self.look(os.path.join(path, name)).kind != ABSENT}

    def forget(self, path: str) -> None:
        """Show nothing at `path` from now on."""
        self._gone.add(path)

    def resolve(self, root: str, path: str) -> str:
        """Return `path`, which lies below `root`, with the symlinks among its parents followed.

        The last component is never followed. Raises TreeError if a parent is a symlink that leads out of
        `root` or belongs to someone whom root shouldn't trust, or is no directory.
        """
        real_root = os.path.realpath(root)
        *parents, name = os.path.relpath(path, root).split("/")
        return os.path.join(self._follow(real_root, parents, path), name)

    def resolve_directory(self, root: str, path: str) -> str:
        """Like `resolve`, but a symlink in the last component is followed too."""
        return self._follow(os.path.realpath(root), os.path.relpath(path, root).split("/"), path)

    def _follow(self, root: str, parts: list[str], path: str) -> str:
        pending = deque(parts)
        current = root
        links = 0
        while pending:
            part = pending.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                current = os.path.dirname(current)
                continue
            below = os.path.join(current, part)
            node = self.look(below)
            if node.kind == LINK:
                links += 1
                _trust(node, below, path, links)
                pending.extendleft(reversed(node.target.split("/")))
                current = "/" if node.target.startswith("/") else current
            elif node.kind in (DIRECTORY, ABSENT):
                current = below
            else:
                raise TreeError(f"{path} can't be written: {below} is not a directory")
        if os.path.commonpath([root, current]) != root:
            raise TreeError(f"{path} can't be written: a symlink among its parents leads out of {root}, to {current}")
        return current


def _trust(link: Node, at: str, path: str, links: int) -> None:
    if links > _MOST_LINKS:
        raise TreeError(f"{path} can't be written: its parents lead through too many symlinks")
    if link.uid not in (0, os.geteuid()):
        raise TreeError(f"{path} can't be written: {at} is a symlink that does not belong to root")
