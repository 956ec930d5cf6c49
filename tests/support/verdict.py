"""How a benchmark ends: each goal with what was measured, and whether that is good enough."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What is wanted, what was measured, and whether that is good enough."""

    name: str
    wanted: str
    measured: str
    reached: bool


def print_verdict(goals: Iterable[Goal]) -> int:
    """Write a table of the goals; return the exit code, 1 if one was missed."""
    found = list(goals)
    rows = [("", "goal", "wanted", "measured")]
    rows += [("ok" if goal.reached else "MISSED", goal.name, goal.wanted, goal.measured) for goal in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        sys.stdout.write(f"{line.rstrip()}\n")
    return int(any(not goal.reached for goal in found))
