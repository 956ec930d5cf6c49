"""A record of what a path is, from which it can be made so again."""

from __future__ import annotations

import base64
import os
from typing import Any

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.node import ABSENT, DIRECTORY, FILE, LINK, OTHER, Node, look
from ansible.module_utils.config_tree.place import Place

Record = dict[str, Any]


def capture(path: str, store: str, name: str) -> Record:
    """Record what is at `path`; the content of a file goes to the file `name` in the directory `store`.

    `path` must not lead through symlinks. Whoever calls makes the store durable.
    """
    node = look(path)
    record: Record = node._asdict()
    if node.kind == OTHER:
        raise TreeError(f"{path} is neither a file, a symlink nor a directory")
    if node.kind != FILE:
        return record
    with Place(path) as place:
        record["times"] = place.times()
        attributes = place.extended_attributes()
        write_new(os.path.join(store, name), place.read())
    record["attributes"] = {key: base64.b64encode(value).decode() for key, value in attributes.items()}
    record["content"] = name
    return record


def node_of(record: Record) -> Node:
    return Node(*(record[field] for field in Node._fields))


def content_of(record: Record, store: str) -> bytes:
    """Return the content of a recorded file."""
    with open(os.path.join(store, record["content"]), "rb") as file:
        return file.read()


def restore(path: str, record: Record, store: str, staged: str) -> None:
    """Make `path` what was recorded; `staged` is a name to use next to it.

    A directory that was not there before but has been filled by others stays.
    """
    node = node_of(record)
    if node.kind == ABSENT and not os.path.isdir(os.path.dirname(path)):
        return
    with Place(path) as place:
        _restore_in_place(place, node, record, store, staged)
        place.discard(staged)
        place.sync()


def _restore_in_place(place: Place, node: Node, record: Record, store: str, staged: str) -> None:
    current = look(place.path)
    if node.kind == DIRECTORY:
        if current.kind != DIRECTORY:
            place.remove()
            place.make_directory(node)
        else:
            place.set_directory(node)
        return
    if current.kind == DIRECTORY or node.kind == ABSENT:
        place.remove()
    if node.kind == LINK:
        place.stage_link(staged, node)
        place.commit(staged)
    elif node.kind == FILE:
        stage_recorded_file(place, staged, record, store)
        place.commit(staged)


def stage_recorded_file(place: Place, staged: str, record: Record, store: str) -> None:
    """Stage a recorded file with all that belongs to it."""
    attributes = {key: base64.b64decode(value) for key, value in record["attributes"].items()}
    accessed, written = record["times"]
    place.stage_file(staged, content_of(record, store), node_of(record), (accessed, written), attributes)


def write_new(path: str, content: bytes) -> None:
    """Write a file that only root can read, durably. It must not exist yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
