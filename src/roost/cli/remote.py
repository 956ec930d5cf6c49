"""What the commands that go to a host by themselves, over ssh, have in common."""

import contextlib
from typing import Annotated

import typer

from roost.connection import Connection, connection_of, connection_variables
from roost.environment import Environment
from roost.paths import bundle_root, project_root
from roost.topology import Host

AppOption = Annotated[
    str, typer.Option("--app", metavar="APP", help="The application, if there is more than one.", show_default=False)
]


def connect(loaded: Environment, host: Host) -> Connection:
    """How Ansible would reach a host of the environment."""
    inventory = loaded.inventory.resolve()
    # The vault password's file lies in the project's folder.
    with contextlib.chdir(project_root(inventory)):
        variables = connection_variables(inventory, host.name, bundle_root() / "plugins/vault-password")
    return connection_of(host.name, variables)
