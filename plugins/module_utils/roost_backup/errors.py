"""What goes wrong with a backup or a restore, told in a few lines."""

from __future__ import annotations


class BackupError(Exception):
    """The message says what failed, and why."""
