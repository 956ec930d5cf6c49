"""`roost backup-key`: the public half of the key by which the servers reach their backups on another host."""

import typer

from roost.cli.environments import EnvironmentOption, find_inventory
from roost.cli.vault import vault_of
from roost.environment import load_environment
from roost.secrets import public_backup_key


def backup_key(environment: EnvironmentOption = "") -> None:
    """Print the key by which the servers reach their backups by SFTP. Add it to the account that keeps them.

    It is made on first use; its private half stays in the vault, and on the servers that make backups.
    """
    loaded = load_environment(find_inventory(environment))
    typer.echo(f"{public_backup_key(loaded, vault_of(loaded))} roost-{loaded.inventory.name}")
