"""`roost init`: start a project."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from roost.cli.environments import INVENTORIES
from roost.environment import HOSTS_FILE, STACK_FILE
from roost.errors import UsageError
from roost.paths import bundle_root

_IGNORED = (".vault-password", ".sandbox/")


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder; made if it is missing.")] = Path(),
    name: Annotated[str, typer.Option(help="The environment's name.")] = "prod",
) -> None:
    """Start a project: copy the example environment to FOLDER/inventories/NAME."""
    target = folder / INVENTORIES / name
    if target.exists():
        raise UsageError(f"{target} exists already.", hint="Give another name with --name.")
    shutil.copytree(
        bundle_root() / INVENTORIES / "example", target, ignore=shutil.ignore_patterns("vault.yml", "sandbox.yml")
    )
    _ignore_secrets(folder / ".gitignore")
    typer.echo(f"Made {target}. Now edit two files:")
    typer.echo(f"  {target / HOSTS_FILE}   the address of your server")
    typer.echo(f"  {target / STACK_FILE}   your domain and your application's source")
    typer.echo(f"Then: roost check -e {name}; roost plan -e {name}; roost up -e {name}")


def _ignore_secrets(gitignore: Path) -> None:
    """Keep git from ever seeing the vault's password."""
    lines = gitignore.read_text().splitlines() if gitignore.exists() else []
    missing = [entry for entry in _IGNORED if entry not in lines]
    if missing:
        gitignore.write_text("\n".join([*lines, *missing]) + "\n")
