"""What `roost backup`, `roost restore` and `roost drill` have in common: they tell what the hosts did."""

from collections.abc import Iterator
from typing import Any, Protocol

from roost.cli.running import Operation, Outcome, print_json


class Told(Protocol):
    """What the hosts did, for people and for programs."""

    def lines(self) -> Iterator[str]:
        """As lines."""

    def data(self) -> list[dict[str, Any]]:
        """As JSON data."""


def tell(operation: Operation, outcome: Outcome, name: str, told: Told) -> None:
    """Tell what was done, as the document's key `name` or as lines, and raise the error that the run ended with."""
    if operation.as_json:
        print_json({**outcome.document(), name: told.data()})
        if outcome.problem:
            raise outcome.problem
        return
    if lines := list(told.lines()):
        operation.print_lines(lines)
    operation.close(outcome)
