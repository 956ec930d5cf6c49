"""What can go wrong on the host while a release is built or switched."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release can't be built or go live; the message is for the person who deploys."""

    exit_code = 5


class LockHeldError(ReleaseError):
    """Somebody else deploys the same application at this moment."""

    exit_code = 75
