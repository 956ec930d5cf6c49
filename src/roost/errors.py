"""Every error that Roost raises on purpose. The command line turns one into a message and an exit code."""

# ruff: noqa: N818 - the names say what happened; "Error" at the end of each would add nothing

from collections.abc import Sequence
from dataclasses import dataclass


class RoostError(Exception):
    """An expected failure: a message for the operator, a hint about the next step, and an exit code."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(RoostError):
    """The command was called in a way that can't work."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a declaration.

    `file` is shown as given; `line` counts from 1 and is 0 when the problem has no place in the file;
    `key` is a path such as `stack.apps[0].domains[1]`, or empty when the whole file is meant.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class InvalidDeclaration(RoostError):
    """What the user declared can't be carried out; `problems` are in the order of the files' lines."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        heading = f"The declaration has {count} problem{'' if count == 1 else 's'}; no host was touched."
        super().__init__("\n".join([heading, *(f"  {problem}" for problem in self.problems)]))


class MissingSecrets(RoostError):
    """The declaration names secrets that nobody has set yet."""

    exit_code = 3


class VaultError(RoostError):
    """The encrypted secrets of an environment can't be read or written."""

    exit_code = 3


class HostUnreachable(RoostError):
    """A host did not answer over ssh."""

    exit_code = 4


class TaskFailed(RoostError):
    """A task failed on a host."""

    exit_code = 5


class SandboxError(RoostError):
    """The local sandbox can't do what was asked."""

    exit_code = 6


class Locked(RoostError):
    """Another run holds the lock of the same environment or application, or a person has locked it."""

    exit_code = 75


class Interrupted(RoostError):
    """The operator pressed Ctrl-C."""

    exit_code = 130
