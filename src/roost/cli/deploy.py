"""`roost deploy`: bring the declared version of the applications to life."""

from typing import Annotated

import typer

from roost.cli.environments import EnvironmentOption, locked
from roost.cli.running import JsonOption, LimitOption, Operation
from roost.errors import UsageError
from roost.suggest import did_you_mean


def deploy(
    environment: EnvironmentOption = "",
    apps: Annotated[
        list[str] | None,
        typer.Option("--app", metavar="APP", help="Only this application. May be given more than once."),
    ] = None,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Build the declared version of each application and switch to it without a failed request."""
    operation = Operation("deploy", "playbooks/deploy.yml", environment, as_json, limit=limit)
    known = [app.name for app in operation.loaded.apps]
    for app in apps or []:
        if app not in known:
            raise UsageError(f"There is no application {app}.{did_you_mean(app, known)}")
    operation.variables = {"app_deploy": apps} if apps else {}
    with locked(operation.inventory):
        outcome = operation.run()
    operation.close(outcome)
