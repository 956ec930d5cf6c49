"""Carry out a plan as a whole or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.journal import Journal, discard, sync_directory, write_journal
from ansible.module_utils.config_tree.manifest import Manifest
from ansible.module_utils.config_tree.node import ABSENT, DIRECTORY, FILE, Node
from ansible.module_utils.config_tree.place import Place
from ansible.module_utils.config_tree.plan import Change, Plan
from ansible.module_utils.config_tree.record import Record, capture, stage_recorded_file
from ansible.module_utils.config_tree.state import State

_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Ended(BaseException):
    """The process was told to end."""


def carry_out(plan: Plan, state: State, accept: Callable[[], None]) -> Journal:
    """Make the changes of `plan` and let `accept` judge them; it raises to refuse.

    Returns the journal, which the caller ends, by `discard` or by keeping it elsewhere. If anything fails,
    everything is as it was, marks included, and the error goes on; a TreeError says so.
    """
    manifest = _keep_originals(plan, state)
    journal = write_journal(state.journal, [*(change.real for change in plan.changes), state.manifest])
    new_marks = state.mark(topics_of(plan.changes))
    handlers = [signal.signal(number, _end) for number in _ENDINGS]
    try:
        _change(plan.changes, journal, state)
        _write_manifest(manifest, journal, state)
        accept()
    except BaseException as error:
        for number in _ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        _undo(journal, state, new_marks)
        if isinstance(error, TreeError | OSError):
            raise TreeError(f"{error}; nothing was changed", getattr(error, "output", "")) from error
        raise
    finally:
        for number, handler in zip(_ENDINGS, handlers, strict=True):
            signal.signal(number, handler)
    return journal


def topics_of(changes: Iterable[Change]) -> set[str]:
    """Return the topics that a set of changes touches."""
    return {change.topic for change in changes if change.topic}


def forget_unused_originals(manifest: Manifest, state: State) -> None:
    """Remove stored originals that the manifest does not name."""
    used = {owned.original.get("content") for owned in manifest.owned.values() if owned.original}
    for name in set(os.listdir(state.originals)) - used:
        os.unlink(os.path.join(state.originals, name))


def _end(number: int, _frame: object) -> None:
    raise Ended(f"ended by signal {number}")


def _undo(journal: Journal, state: State, new_marks: set[str]) -> None:
    try:
        journal.roll_back()
    except (OSError, TreeError) as error:
        raise TreeError(f"the old files could not be put back ({error}); the next run tries again") from error
    state.unmark(new_marks)
    discard(state.journal)


def _keep_originals(plan: Plan, state: State) -> Manifest:
    """Store what is at the adopted paths, durably, and return the manifest with it."""
    owned = dict(plan.manifest.owned)
    for path, real in plan.adopted.items():
        record: Record = capture(real, state.originals, os.urandom(8).hex())
        owned[path] = owned[path]._replace(original=record)
    if plan.adopted:
        sync_directory(state.originals)
    return plan.manifest._replace(owned=owned)


def _change(changes: list[Change], journal: Journal, state: State) -> None:
    """Remove, make directories, stage everything, and only then put it all in place."""
    for change in changes:
        if change.after.kind == ABSENT:
            with Place(change.real) as place:
                place.remove()
    for change in changes:
        if change.after.kind == DIRECTORY:
            with Place(change.real) as place:
                _make_directory(place, change)
    leaves = [change for change in changes if change.after.kind not in (ABSENT, DIRECTORY)]
    for change in leaves:
        with Place(change.real) as place:
            _stage(place, journal.staged_name(change.real), change, state)
    for change in leaves:
        with Place(change.real) as place:
            place.commit(journal.staged_name(change.real))
    for directory in {os.path.dirname(change.real) for change in changes}:
        if os.path.isdir(directory):
            sync_directory(directory)


def _make_directory(place: Place, change: Change) -> None:
    if change.before.kind == DIRECTORY:
        place.set_directory(change.after)
    else:
        place.make_directory(change.after)


def _stage(place: Place, staged: str, change: Change, state: State) -> None:
    if change.after.kind != FILE:
        place.stage_link(staged, change.after)
    elif change.original:
        stage_recorded_file(place, staged, change.original, state.originals)
    else:
        place.stage_file(staged, change.content, change.after)


def _write_manifest(manifest: Manifest, journal: Journal, state: State) -> None:
    staged = journal.staged_name(state.manifest)
    with Place(state.manifest) as place:
        place.stage_file(staged, manifest.encode(), Node(FILE, os.geteuid(), os.getegid(), 0o600))
        place.commit(staged)
        place.sync()
