"""`roost sandbox`: local hosts to try things on."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from roost.errors import SandboxError, UsageError
from roost.sandbox import opened, opened_to_change
from roost.sandbox.folder import Folder
from roost.sandbox.release import DEFAULT_RELEASE, Release

if TYPE_CHECKING:
    from roost.sandbox.hosts import Host

app = typer.Typer(help="Local hosts that behave like virtual machines.", no_args_is_help=True)


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _print(hosts: "list[Host]") -> None:
    for host in hosts:
        typer.echo(f"{host.name:<20} {host.release:<10} {host.address:<15} {host.status}")


@app.command()
def up(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of the hosts.")],
    release: Annotated[Release | None, typer.Option(help="System of a new host.", show_default=DEFAULT_RELEASE)] = None,
    snapshot: Annotated[
        str | None, typer.Option("--from", metavar="TAG", help="Start a new host from this snapshot.")
    ] = None,
) -> None:
    """Create and start hosts. Hosts that run already are left alone."""
    if release and snapshot:
        raise UsageError("A snapshot has a release of its own", hint="Leave out --release or --from.")
    with opened_to_change(Folder.of_current_project(), _say) as sandbox:
        _print(sandbox.up(names, release=release, snapshot=snapshot))


@app.command()
def down(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Names of the hosts.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove every host of this sandbox.")] = False,
) -> None:
    """Remove hosts with all their data. Hosts that don't exist are no error."""
    if bool(names) == everything:
        raise UsageError("Which hosts?", hint="Give their names, or --all.")
    with opened_to_change(Folder.of_current_project(), _say) as sandbox:
        for name in sandbox.down(names or [host.name for host in sandbox.hosts()]):
            typer.echo(f"Removed {name}")


@app.command("list")
def list_hosts() -> None:
    """Show each host with its release, address and status."""
    with opened(Folder.of_current_project(), _say) as sandbox:
        _print(sandbox.hosts())


@app.command()
def ssh(
    name: Annotated[str, typer.Argument(help="Name of the host.")],
    command: Annotated[list[str] | None, typer.Argument(help="Command to run, after `--`.")] = None,
) -> None:
    """Log in as root, or run a command on the host and end with its exit code."""
    config = Folder.of_current_project().ssh_config
    if not config.exists():
        raise SandboxError("There is no sandbox in this folder", hint=f"Run: roost sandbox up {name}")
    os.execvp("ssh", ["ssh", "-F", str(config), name, *(command or [])])  # noqa: S606 - ssh takes over the terminal


@app.command()
def build(releases: Annotated[list[Release], typer.Argument(help="Systems of hosts to come.")]) -> None:
    """Make base images now, so that `up` takes only seconds later."""
    with opened_to_change(Folder.of_current_project(), _say) as sandbox:
        sandbox.build(releases)


@app.command()
def snapshot(
    name: Annotated[str, typer.Argument(help="Name of the host.")],
    tag: Annotated[str, typer.Argument(help="Name of the snapshot.")],
) -> None:
    """Keep a host's disk as it is now, for `up --from TAG`."""
    with opened_to_change(Folder.of_current_project(), _say) as sandbox:
        sandbox.snapshot(name, tag)
    typer.echo(f"Kept {name} as {tag}")
