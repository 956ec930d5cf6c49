"""`roost deploy-key`: the public half of an application's deploy key, for the git server."""

from typing import Annotated

import typer

from roost.cli.environments import EnvironmentOption, find_inventory
from roost.cli.vault import vault_of
from roost.environment import load_environment
from roost.secrets import public_deploy_key


def deploy_key(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application.")],
    environment: EnvironmentOption = "",
) -> None:
    """Print the key that may read an application's repository. Add it at the git server, for reading only.

    It is made on first use; its private half stays in the vault.
    """
    loaded = load_environment(find_inventory(environment))
    typer.echo(f"{public_deploy_key(loaded, vault_of(loaded), application)} {application}")
