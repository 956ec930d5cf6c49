"""One run of config_tree on a host, from the declared tree to the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ansible.module_utils.config_tree.command import check_command
from ansible.module_utils.config_tree.difference import describe
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.journal import History, discard, read_journal, repair
from ansible.module_utils.config_tree.manifest import Manifest, decode_manifest
from ansible.module_utils.config_tree.node import ABSENT, FILE
from ansible.module_utils.config_tree.plan import Plan, make_plan
from ansible.module_utils.config_tree.redact import redact
from ansible.module_utils.config_tree.revert import (
    arm,
    disarm,
    finish_taking_back,
    is_unconfirmed,
    keep,
    unconfirmed_journals,
)
from ansible.module_utils.config_tree.state import State
from ansible.module_utils.config_tree.transaction import carry_out, forget_unused_originals, topics_of
from ansible.module_utils.config_tree.tree import Tree
from ansible.module_utils.config_tree.view import View


class Settings(NamedTuple):
    """How a run goes about it. Durations are in seconds."""

    check_mode: bool = False
    show_differences: bool = False
    validate: Sequence[str] = ()
    validate_timeout: int = 60
    confirm_within: int = 0
    revert_command: Sequence[str] = ()


def run(tree: Tree, state: State, settings: Settings) -> dict[str, Any]:
    """Make the host as declared, or in check mode only tell what would change. Raises TreeError.

    Nothing on the host has changed when it raises, except for the repair of an interrupted earlier run.
    """
    if settings.check_mode:
        with state.locked(read_only=True):
            view = View(_unfinished(state))
            plan = _plan(tree, state, view)
            return _result(plan, state, view, settings)
    state.prepare()
    with state.locked():
        repair(state.journal)
        finish_taking_back(state)
        state.forget_taken_back()
        if not settings.confirm_within:
            disarm(state)
        view = View()
        plan = _plan(tree, state, view)
        result = _result(plan, state, view, settings)
        if plan.changes or plan.adopted or plan.manifest != _read_manifest(state, view, tree.dest):
            _apply(plan, state, settings)
        elif is_unconfirmed(state):
            arm(state, settings.confirm_within, settings.revert_command)
        return result


def _unfinished(state: State) -> History:
    """Return the journals that a run, unlike check mode, would roll back before anything else."""
    interrupted = read_journal(state.journal)
    journals = [interrupted] if interrupted else []
    return History(journals + (unconfirmed_journals(state) if state.was_taken_back() else []))


def _plan(tree: Tree, state: State, view: View) -> Plan:
    return make_plan(tree, _read_manifest(state, view, tree.dest), view, state.originals)


def _read_manifest(state: State, view: View, dest: str) -> Manifest:
    if view.look(state.manifest).kind != FILE:
        return Manifest(dest, {}, frozenset())
    return decode_manifest(view.content(state.manifest))


def _apply(plan: Plan, state: State, settings: Settings) -> None:
    to_confirm = settings.confirm_within > 0 and (bool(plan.changes) or is_unconfirmed(state))

    def accept() -> None:
        if plan.changes and settings.validate:
            _validate(plan, settings)
        if to_confirm:
            arm(state, settings.confirm_within, settings.revert_command)

    journal = carry_out(plan, state, accept)
    if to_confirm:
        keep(journal, state)
    else:
        discard(state.journal)
        forget_unused_originals(_read_manifest(state, View(), plan.manifest.dest), state)


def _validate(plan: Plan, settings: Settings) -> None:
    try:
        check_command(settings.validate, settings.validate_timeout)
    except TreeError as error:
        secrets = [change.content for change in plan.changes if change.secret]
        raise TreeError(str(error), redact(error.output, secrets)) from None


def _result(plan: Plan, state: State, view: View, settings: Settings) -> dict[str, Any]:
    pending = state.pending() | topics_of(plan.changes)
    result: dict[str, Any] = {
        "changed": bool(plan.changes or pending),
        "changed_paths": sorted(change.path for change in plan.changes if change.after.kind != ABSENT),
        "removed_paths": sorted(change.path for change in plan.changes if change.after.kind == ABSENT),
        "pending": sorted(pending),
    }
    if settings.show_differences:
        result["diff"] = [describe(change, view) for change in plan.changes]
    return result
