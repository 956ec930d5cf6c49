"""`roost run`: a command in the live release."""

import os
import sys
from typing import Annotated

import typer

from roost.choice import chosen_app, chosen_hosts
from roost.cli.environments import EnvironmentOption, find_inventory
from roost.cli.remote import AppOption, connect
from roost.environment import load_environment

_IN_RELEASE = "/usr/local/lib/roost/in-release"


def run(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="The command, after `--`.")],
    environment: EnvironmentOption = "",
    application: AppOption = "",
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The host; the first of `app` if not given.", show_default=False)
    ] = "",
) -> None:
    """Run a command in the live release, as the application's user, with its environment, in its source.

    Ends with the exit code of the command; 255 is ssh's own.
    """
    loaded = load_environment(find_inventory(environment))
    app = chosen_app(application, [known.name for known in loaded.apps])
    target = chosen_hosts(host, loaded.topology, ("app", "worker"))[0]
    # With the output in a file or a pipe, a terminal would only add carriage returns to it.
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    words = connect(loaded, target).command([_IN_RELEASE, app, *command], terminal=terminal)
    os.execvp(words[0], words)  # noqa: S606 - ssh takes over the terminal
