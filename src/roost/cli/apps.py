"""The option `--app`: which applications a command is about."""

from collections.abc import Sequence
from typing import Annotated

import typer

from roost.cli.running import Operation
from roost.errors import UsageError
from roost.suggest import did_you_mean, listed

AppsOption = Annotated[
    list[str] | None,
    typer.Option("--app", metavar="APP", help="Only this application. May be given more than once."),
]


def named_apps(operation: Operation, apps: Sequence[str] | None) -> list[str]:
    """The applications that were named. Raises UsageError if there is none of a name."""
    known = [app.name for app in operation.loaded.apps]
    for app in apps or []:
        if app not in known:
            raise UsageError(f"There is no application {app}.{did_you_mean(app, known)}")
    return list(apps or [])


def one_app(operation: Operation, apps: Sequence[str] | None, what: str) -> str:
    """The one application that is meant: the one named, or the only one. Raises UsageError."""
    meant = named_apps(operation, apps) or [app.name for app in operation.loaded.apps]
    if len(meant) != 1:
        raise UsageError(f"{what} is of one application: name exactly one.", hint=f"Say which: --app {listed(meant)}.")
    return meant[0]
