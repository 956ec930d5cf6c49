"""The one expected failure on the host."""

from __future__ import annotations


class TreeError(Exception):
    """What went wrong, in words for the operator; `output` is what a failed command printed."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output
