"""`roost logs`: what an application, its workers and its site write."""

from typing import Annotated

import typer

from roost.choice import chosen_app, chosen_hosts
from roost.cli.environments import EnvironmentOption, find_inventory
from roost.cli.remote import AppOption, connect
from roost.environment import load_environment
from roost.errors import HostUnreachable, Interrupted, TaskFailed, UsageError
from roost.logs import GROUPS, Kind, show_command
from roost.streams import stream

_SSH_FAILED = 255


def logs(  # noqa: PLR0913, PLR0917 - one argument for each option
    kind: Annotated[
        Kind, typer.Argument(help="The web processes', the background programs' or the web server's.")
    ] = Kind.WEB,
    environment: EnvironmentOption = "",
    application: AppOption = "",
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Only this host; all that write them if not given.", show_default=False)
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each log.")] = 100,
) -> None:
    """Show the logs of an application. With more than one host, each line begins with the host's name."""
    loaded = load_environment(find_inventory(environment))
    app = chosen_app(application, [known.name for known in loaded.apps])
    if kind is Kind.CELERY and not any(known.celery for known in loaded.apps if known.name == app):
        raise UsageError(f"{app} has no background tasks.")
    hosts = chosen_hosts(host, loaded.topology, (GROUPS[kind],))
    remote = show_command(kind, app, lines, follow=follow)
    try:
        codes = stream({target.name: connect(loaded, target).command(remote, ask=False) for target in hosts})
    except KeyboardInterrupt:
        raise typer.Exit(Interrupted.exit_code) from None
    if away := [name for name, code in codes.items() if code == _SSH_FAILED]:
        raise HostUnreachable(f"ssh did not get through to {', '.join(away)}, or lost the connection.")
    if failed := [name for name, code in codes.items() if code]:
        raise TaskFailed(f"The logs of {app} could not be shown completely on {', '.join(failed)}.")
