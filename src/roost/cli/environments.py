"""The option `-e`: which environment a command is about."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from roost.environment import HOSTS_FILE
from roost.errors import Locked, UsageError
from roost.suggest import did_you_mean, listed

INVENTORIES = Path("inventories")

EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment",
        "-e",
        envvar="ROOST_ENV",
        metavar="ENV",
        help="A folder in inventories/, or a path to one.",
        show_default=False,
    ),
]


def find_inventory(name: str) -> Path:
    """The environment's folder. Raises UsageError, naming those there are, if there is none of this name."""
    known = known_environments(INVENTORIES)
    if name and os.sep not in name and name not in (".", ".."):
        folder = INVENTORIES / name
    elif name:
        folder = Path(name).parent if Path(name).is_file() else Path(name)
    else:
        hint = f"Say which: -e {listed(known)}." if known else "Start a project with: roost init ."
        raise UsageError("No environment was named.", hint=hint)
    if (folder / HOSTS_FILE).is_file():
        return folder
    hint = f"There {'is' if len(known) == 1 else 'are'}: {', '.join(known)}." if known else ""
    raise UsageError(
        f"There is no environment {name} ({folder / HOSTS_FILE} is missing).{did_you_mean(name, known)}",
        hint=hint or "Start a project with: roost init .",
    )


def known_environments(folder: Path) -> list[str]:
    """The names of the environments in a folder."""
    return sorted(path.parent.name for path in folder.glob(f"*/{HOSTS_FILE}"))


@contextmanager
def locked(inventory: Path) -> Iterator[None]:
    """Hold the environment's lock, so that two runs from this machine don't mix. Raises Locked at once."""
    descriptor = os.open(inventory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Locked(f"Another run works on {inventory.name}.", hint="Wait until it is done, then try again.") from None
    finally:
        os.close(descriptor)
