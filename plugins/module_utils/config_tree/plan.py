"""What has to change on the host, in order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.manifest import Manifest, Owned
from ansible.module_utils.config_tree.node import ABSENT, DIRECTORY, FILE, LINK, NOTHING, OTHER, Node
from ansible.module_utils.config_tree.record import Record, node_of
from ansible.module_utils.config_tree.tree import Tree, Wanted
from ansible.module_utils.config_tree.view import View


class Change(NamedTuple):
    """One path that is not as it is to be. `real` is `path` with the symlinks among its parents followed.

    `original` is set if what was there before the tree took over comes back.
    """

    path: str
    real: str
    before: Node
    after: Node
    topic: str
    secret: bool = False
    content: bytes = b""
    original: Record | None = None


class Plan(NamedTuple):
    """All changes, what the tree owns afterwards, and which paths it takes over (declared to real path)."""

    changes: list[Change]
    manifest: Manifest
    adopted: dict[str, str]


def make_plan(tree: Tree, manifest: Manifest, view: View, originals: str) -> Plan:
    """Compare the declared tree, what the tree owns, and the host.

    `originals` is the directory with the contents of what was there before. Raises TreeError for what can't
    or must not be replaced.
    """
    return _Planner(tree, manifest, view, originals).plan()


class _Planner:
    def __init__(self, tree: Tree, manifest: Manifest, view: View, originals: str) -> None:
        self._tree = tree
        self._manifest = manifest
        self._view = view
        self._originals = originals
        self._needed = {
            parent
            for wanted in (*tree.leaves, *tree.directories)
            if wanted.node.kind != ABSENT
            for parent in _parents(wanted.path, "/")
        }
        self._made: dict[str, str] = {}
        self._changes: list[Change] = []

    def plan(self) -> Plan:
        restored = list(self._release())
        kept = self._remove_directories()
        for directory in sorted(self._tree.directories, key=lambda wanted: wanted.path.count("/")):
            self._want_directory(directory)
        adopted = self._want_leaves()
        self._changes += restored
        return Plan(
            self._changes,
            Manifest(self._tree.dest, self._owned(), frozenset(kept | set(self._made.values()))),
            adopted,
        )

    def _owned(self) -> dict[str, Owned]:
        before = self._manifest.owned
        return {
            wanted.path: Owned(
                wanted.topic, wanted.secret, before[wanted.path].original if wanted.path in before else None
            )
            for wanted in self._tree.leaves
        }

    def _release(self) -> Iterator[Change]:
        """Plan the end of what is no longer declared: removals at once; what comes back is yielded."""
        declared = {wanted.path for wanted in self._tree.leaves}
        for path, owned in self._manifest.owned.items():
            if path in declared:
                continue
            real = self._view.resolve(self._manifest.dest, path)
            current = self._view.look(real)
            if owned.original and path not in self._needed:
                self._needed.update(_parents(path, "/"))
                yield from self._give_back(path, real, current, owned)
            elif current.kind in (FILE, LINK):
                self._changes.append(Change(path, real, current, NOTHING, owned.topic, owned.secret))
                self._view.forget(real)

    def _give_back(self, path: str, real: str, current: Node, owned: Owned) -> Iterator[Change]:
        original = owned.original or {}
        after = node_of(original)
        has_place = self._view.look(os.path.dirname(real)).kind == DIRECTORY
        if current.kind not in (FILE, LINK, ABSENT) or not has_place:
            return
        content = b""
        if after.kind == FILE:
            with open(os.path.join(self._originals, original["content"]), "rb") as file:
                content = file.read()
        if self._differs(real, current, after, content):
            yield Change(path, real, current, after, owned.topic, owned.secret, content, original)

    def _remove_directories(self) -> set[str]:
        """Plan the end of directories that the tree made and nobody needs; return those that it still owns."""
        kept = set()
        declared = {directory.path for directory in self._tree.directories}
        for path in sorted(self._manifest.directories, key=lambda path: path.count("/"), reverse=True):
            real = self._view.resolve(self._manifest.dest, path)
            current = self._view.look(real)
            if current.kind != DIRECTORY:
                continue
            if path in self._needed or path in declared or self._view.names(real):
                kept.add(path)
            else:
                self._changes.append(Change(path, real, current, NOTHING, ""))
                self._view.forget(real)
        return kept

    def _want_directory(self, wanted: Wanted) -> None:
        self._want_parents(wanted.path)
        real = self._view.resolve_directory(self._tree.dest, wanted.path)
        before = self._view.look(real)
        if real in self._made or before == wanted.node:
            return
        if before.kind == ABSENT:
            self._made[real] = wanted.path
        self._changes.append(Change(wanted.path, real, before, wanted.node, wanted.topic))

    def _want_parents(self, path: str) -> None:
        root = Node(DIRECTORY, os.geteuid(), os.getegid(), 0o755)
        for parent in _parents(path, self._tree.dest):
            real = self._view.resolve_directory(self._tree.dest, parent)
            if real not in self._made and self._view.look(real).kind == ABSENT:
                self._made[real] = parent
                self._changes.append(Change(parent, real, NOTHING, root, ""))

    def _want_leaves(self) -> dict[str, str]:
        """Plan files, links and absences; return the paths that the tree takes over."""
        adopted: dict[str, str] = {}
        places: dict[str, str] = {}
        for wanted in self._tree.leaves:
            if wanted.node.kind != ABSENT:
                self._want_parents(wanted.path)
            real = self._view.resolve(self._tree.dest, wanted.path)
            before = self._view.look(real)
            if before.kind in (DIRECTORY, OTHER):
                raise TreeError(f"{wanted.path} is a {_word(before)} on the host, which config_tree does not replace")
            if places.setdefault(real, wanted.path) != wanted.path:
                raise TreeError(f"{wanted.path} and {places[real]} are the same place on the host: {real}")
            owned = self._manifest.owned.get(wanted.path)
            if owned is None and before.kind != ABSENT:
                adopted[wanted.path] = real
            if self._differs(real, before, wanted.node, wanted.content):
                secret = wanted.secret or (owned is not None and owned.secret)
                topic = wanted.topic if wanted.node.kind != ABSENT or owned is None else owned.topic
                self._changes.append(Change(wanted.path, real, before, wanted.node, topic, secret, wanted.content))
        return adopted

    def _differs(self, real: str, before: Node, after: Node, content: bytes) -> bool:
        if before.kind == LINK and after.kind == LINK:
            return before.target != after.target or before.uid != after.uid
        return before != after or (after.kind == FILE and self._view.content(real) != content)


def _parents(path: str, root: str) -> list[str]:
    """Return the directories above `path`, from `root` itself down."""
    parents = []
    while path not in (root, "/"):
        path = os.path.dirname(path)
        parents.append(path)
    return parents[::-1]


def _word(node: Node) -> str:
    return "directory" if node.kind == DIRECTORY else "special file"
