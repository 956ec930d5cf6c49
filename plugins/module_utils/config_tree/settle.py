"""The end of a change: what had to be applied has been."""

from __future__ import annotations

import os

from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.revert import disarm
from ansible.module_utils.config_tree.state import State


def settle(state: State) -> list[str]:
    """Remove all marks, confirm the changes, and return the topics.

    Raises TreeError if the last run was interrupted, or its changes were taken back.
    """
    if not os.path.isdir(state.directory):
        return []
    with state.locked():
        if os.path.isdir(state.journal):
            raise TreeError("the last run of config_tree was interrupted: run it again first")
        if state.was_taken_back():
            raise TreeError("the change was not confirmed in time, so the old files are back: run config_tree again")
        disarm(state)
        topics = state.pending()
        if topics:
            state.unmark(topics)
        return sorted(topics)
