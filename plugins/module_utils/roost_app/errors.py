"""What can go wrong on the host while a release is built or switched."""

from __future__ import annotations

from typing import Any


class ReleaseError(Exception):
    """A release can't be built or go live; the message is for the person who deploys.

    `reason` says why in one line, for the history; it is the message's first line if not given.
    """

    exit_code = 5

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message.split("\n", 1)[0].rstrip(":")


class LockHeldError(ReleaseError):
    """Somebody else deploys the same application at this moment, or has locked it."""

    exit_code = 75
    held_by: str = ""
    """The run that has the turn, if one has."""


def as_result(problem: ReleaseError | OSError) -> dict[str, Any]:
    """Return what a module fails with. Errors of the system count as well: a full disk can be met anywhere."""
    held_by = getattr(problem, "held_by", "")
    result = {"msg": str(problem), "rc": getattr(problem, "exit_code", ReleaseError.exit_code)}
    return {**result, "held_by": held_by} if held_by else result
