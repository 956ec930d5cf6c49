"""A question before something that can't simply be taken back."""

import sys

import typer

from roost.errors import Interrupted, UsageError

YES_HINT = "Add --yes to go on without being asked."


def has_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def check_can_ask(*, as_json: bool) -> None:
    """Raise UsageError if the question could not be asked."""
    if as_json:
        raise UsageError("With --json nothing is asked.", hint=YES_HINT)
    if not has_terminal():
        raise UsageError("There is no terminal to ask on.", hint=YES_HINT)


def ask(question: str) -> None:
    """Ask, and raise Interrupted unless the answer is yes."""
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        agreed = False
    if not agreed:
        raise Interrupted("Stopped: nothing was changed.")
