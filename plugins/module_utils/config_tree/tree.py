"""The declared tree as it arrives on the host."""

from __future__ import annotations

import base64
import grp
import json
import os
import pwd
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.node import DIRECTORY, FILE, LINK, NOTHING, Node

UNKNOWN_ID = -1


class Wanted(NamedTuple):
    """What is to be at an absolute path. The id of an unknown user or group, in check mode, is UNKNOWN_ID."""

    path: str
    node: Node
    content: bytes
    topic: str
    secret: bool


class Tree(NamedTuple):
    """All that is declared below `dest`."""

    dest: str
    leaves: list[Wanted]
    directories: list[Wanted]


def decode_payload(payload: str, dest: str, check_mode: bool) -> Tree:
    """Read what `roost.config_tree.payload` wrote.

    Raises TreeError for an owner or group that does not exist, except in check mode: there it may be that an
    earlier task would have made it.
    """
    declared: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(payload)))
    ids = _Ids(check_mode)
    leaves = [_file(entry, dest, ids) for entry in declared["files"]]
    leaves += [_link(entry, dest) for entry in declared["links"]]
    leaves += [Wanted(os.path.join(dest, path), NOTHING, b"", "reload", False) for path in declared["absent"]]
    return Tree(dest, leaves, [_directory(entry, dest, ids) for entry in declared["directories"]])


class _Ids:
    """Numbers of users and groups."""

    def __init__(self, tolerant: bool) -> None:
        self._tolerant = tolerant

    def user(self, name: str, path: str) -> int:
        return self._find(name, path, "user", lambda: pwd.getpwnam(name).pw_uid)

    def group(self, name: str, path: str) -> int:
        return self._find(name, path, "group", lambda: grp.getgrnam(name).gr_gid)

    def _find(self, name: str, path: str, what: str, find: Callable[[], int]) -> int:
        if name.isdecimal():
            return int(name)
        try:
            return find()
        except KeyError:
            if self._tolerant:
                return UNKNOWN_ID
            raise TreeError(f"{path} is to belong to the {what} {name!r}, which does not exist") from None


def _file(entry: dict[str, Any], dest: str, ids: _Ids) -> Wanted:
    path = os.path.join(dest, entry["path"])
    content = entry["content"].encode("utf-8", "surrogateescape")
    return Wanted(path, _node(FILE, entry, path, ids), content, entry["topic"], entry["secret"])


def _directory(entry: dict[str, Any], dest: str, ids: _Ids) -> Wanted:
    path = os.path.join(dest, entry["path"])
    return Wanted(path, _node(DIRECTORY, entry, path, ids), b"", entry["topic"], False)


def _node(kind: str, entry: dict[str, Any], path: str, ids: _Ids) -> Node:
    return Node(kind, ids.user(entry["owner"], path), ids.group(entry["group"], path), entry["mode"])


def _link(entry: dict[str, Any], dest: str) -> Wanted:
    node = Node(LINK, os.geteuid(), os.getegid(), 0o777, entry["target"])
    return Wanted(os.path.join(dest, entry["path"]), node, b"", entry["topic"], False)
