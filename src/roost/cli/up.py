"""`roost up`: make every host as declared."""

from typing import Annotated

import typer

from roost.cli.environments import EnvironmentOption, locked
from roost.cli.running import JsonOption, LimitOption, Operation, TagsOption


def up(
    environment: EnvironmentOption = "",
    tags: TagsOption = None,
    limit: LimitOption = "",
    remove_databases: Annotated[
        bool,
        typer.Option("--remove-databases", help="Also remove `removed_databases`, after a last dump of each."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make every host as declared (site.yml). Safe to run again: what is right already is left alone."""
    operation = Operation("up", "site.yml", environment, as_json, tags, limit)
    operation.variables = {"postgresql_remove": remove_databases}
    with locked(operation.inventory):
        outcome = operation.run()
    operation.close(outcome)
