"""What a run is about to change, written down first, so that it can be undone at any time.

A journal is a directory with `journal.json` and the old contents. It appears and disappears in one step, so a
reader finds either all of it or nothing. While it lies in the state directory, the run has not ended.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence

from ansible.module_utils.config_tree.node import Node
from ansible.module_utils.config_tree.record import Record, capture, content_of, node_of, restore, write_new


class Journal:
    """A journal on disk: the directory, the id of its run, and a record for each path, in order of change."""

    def __init__(self, directory: str, run: str, records: dict[str, Record]) -> None:
        self.directory = directory
        self._staged = f".roost-{run}-"
        self._records = records
        self._order = {path: index for index, path in enumerate(records)}

    def staged_name(self, path: str) -> str:
        """Return the name under which this run stages what comes to `path`."""
        return f"{self._staged}{self._order[path]}"

    def touches(self, path: str) -> bool:
        return path in self._records

    def node(self, path: str) -> Node:
        """Return what was at `path` before the run, which touches it."""
        return node_of(self._records[path])

    def content(self, path: str) -> bytes:
        """Return what the file at `path` contained before the run."""
        return content_of(self._records[path], self.directory)

    def names(self, path: str, present: set[str]) -> set[str]:
        """Return the names that were in the directory `path`, or are there now and not just staged."""
        touched = {os.path.basename(below) for below in self._records if os.path.dirname(below) == path}
        return touched | {name for name in present if not name.startswith(self._staged)}

    def roll_back(self) -> None:
        """Make every path what it was. May be repeated, also after it was killed half-way."""
        for path in reversed(self._records):
            restore(path, self._records[path], self.directory, self.staged_name(path))


class History:
    """How everything was before the first of several runs; their journals are given last one first."""

    def __init__(self, journals: Sequence[Journal]) -> None:
        self._journals = journals

    def touches(self, path: str) -> bool:
        return any(journal.touches(path) for journal in self._journals)

    def node(self, path: str) -> Node:
        return self._first(path).node(path)

    def content(self, path: str) -> bytes:
        return self._first(path).content(path)

    def names(self, path: str, present: set[str]) -> set[str]:
        for journal in self._journals:
            present = journal.names(path, present)
        return present

    def _first(self, path: str) -> Journal:
        return next(journal for journal in reversed(self._journals) if journal.touches(path))


def write_journal(directory: str, paths: Iterable[str]) -> Journal:
    """Record what is at each of `paths` and make the journal appear at `directory`."""
    draft = directory + ".new"
    discard(draft)
    os.mkdir(draft, 0o700)
    run = os.urandom(6).hex()
    records = {path: capture(path, draft, str(index)) for index, path in enumerate(dict.fromkeys(paths))}
    text = json.dumps({"run": run, "records": records})
    write_new(os.path.join(draft, "journal.json"), text.encode())
    sync_directory(draft)
    move(draft, directory)
    return Journal(directory, run, records)


def read_journal(directory: str) -> Journal | None:
    """Return the journal at `directory`, or None if there is none."""
    try:
        with open(os.path.join(directory, "journal.json"), encoding="utf-8") as file:
            written = json.load(file)
    except FileNotFoundError:
        return None
    return Journal(directory, written["run"], written["records"])


def repair(directory: str) -> None:
    """Undo what an interrupted run left behind, if its journal lies at `directory`."""
    journal = read_journal(directory)
    if journal:
        journal.roll_back()
    discard(directory)


def discard(directory: str) -> None:
    """Make a directory disappear in one step, then clear it away."""
    waste = directory + ".old"
    if os.path.isdir(waste):
        shutil.rmtree(waste)
    if os.path.isdir(directory):
        move(directory, waste)
        shutil.rmtree(waste)


def move(directory: str, target: str) -> None:
    """Rename a directory within its parent, durably."""
    os.rename(directory, target)
    sync_directory(os.path.dirname(target))


def sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
