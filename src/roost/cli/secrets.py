"""`roost secrets`: the encrypted secrets of an environment."""

import sys
from typing import Annotated

import typer

from roost.cli.environments import EnvironmentOption, find_inventory, locked
from roost.cli.running import Operation
from roost.cli.vault import vault_of
from roost.environment import VAULT_FILE, load_environment
from roost.rotation import LoginsCollector, rotate_database, rotating_logins
from roost.secrets import get_secret, set_secret

app = typer.Typer(help="The encrypted secrets of an environment.", no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """The encrypted secrets of an environment."""


@app.command("set")
def set_one(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application, acme_dns or backups.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The secret, as stack.yml names it.")],
    environment: EnvironmentOption = "",
) -> None:
    """Set a secret. Its value is asked for, or read from standard input; never put it on the command line."""
    loaded = load_environment(find_inventory(environment))
    value = _read_value(name)
    set_secret(loaded, vault_of(loaded), application, name, value)
    typer.echo(f"{application}.{name} is set in {loaded.inventory / VAULT_FILE}. Apply it with: roost up")


@app.command("show")
def show(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application, acme_dns or backups.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The secret, such as flower_password.")],
    environment: EnvironmentOption = "",
) -> None:
    """Print a secret, and nothing else."""
    loaded = load_environment(find_inventory(environment))
    typer.echo(get_secret(loaded, vault_of(loaded), application, name))


@app.command("rotate")
def rotate(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application.")],
    what: Annotated[str, typer.Argument(metavar="database", help="What rotates: the passwords of its database.")],
    environment: EnvironmentOption = "",
) -> None:
    """Make up new passwords of an application's database. `roost up` turns over to them without a failed request."""
    operation = Operation("secrets rotate", "playbooks/logins.yml", environment)
    operation.variables = {"logins_asked": rotating_logins(operation.loaded, application, what)}
    vault = vault_of(operation.loaded)
    collector = LoginsCollector()
    with locked(operation.inventory):
        outcome = operation.run(collector)
        if outcome.problem:
            raise outcome.problem
        rotate_database(operation.loaded, vault, application, collector.open)
    place = operation.inventory / VAULT_FILE
    typer.echo(f"The new passwords of {application}'s database are in {place}. Turn over to them with: roost up")


def _read_value(name: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=True, confirmation_prompt=True))
    return sys.stdin.read().removesuffix("\n")
