"""`roost rollback`: go back to the release before."""

import re
from typing import Annotated

import typer

from roost.cli.apps import AppsOption, named_apps, one_app
from roost.cli.environments import EnvironmentOption, locked
from roost.cli.running import JsonOption, LimitOption, Operation
from roost.cli.switching import run_and_tell
from roost.errors import UsageError
from roost.rollback import apps_to_roll_back


def rollback(  # noqa: PLR0913, PLR0917 - the options of the command
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    to: Annotated[
        str, typer.Option(metavar="ID", help="This release, as `roost releases` names it.", show_default=False)
    ] = "",
    allow_schema_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-schema-mismatch", help="Also to a release that doesn't know all migrations of the database."
        ),
    ] = False,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Switch back to the last good release before the live one, or to the one named by `--to`.

    Takes seconds: nothing is built, and the database stays as it is. A second rollback goes further back. The next
    deploy brings the declared version to life again.
    """
    operation = Operation("rollback", "playbooks/rollback.yml", environment, as_json, limit=limit)
    if to and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+!-]*", to):
        raise UsageError(f"{to!r} can't be the id of a release.")
    known = [app.name for app in operation.loaded.apps]
    named = [one_app(operation, apps, "A release")] if to else named_apps(operation, apps)
    operation.variables = {
        "app_rollback": apps_to_roll_back(known, named, to),
        "app_rollback_to": to,
        "app_allow_schema_mismatch": allow_schema_mismatch,
    }
    with locked(operation.inventory):
        run_and_tell(operation)
