"""`roost deploy`: bring the declared version of the applications to life."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from roost.chosen_version import check_version
from roost.cli.apps import AppsOption, named_apps, one_app
from roost.cli.environments import EnvironmentOption, locked
from roost.cli.running import JsonOption, LimitOption, Operation
from roost.cli.switching import run_and_tell


def deploy(  # noqa: PLR0913, PLR0917 - the options of the command
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    version: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="Deploy this branch, tag or commit (git) or version (pypi) of one application, "
            "not the declared one. The next deploy brings the declared one back.",
            show_default=False,
        ),
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Only tell what would be done, and which migrations would be applied.")
    ] = False,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Build the declared version of each application and switch to it without a failed request."""
    operation = Operation("deploy", "playbooks/deploy.yml", environment, as_json, limit=limit, check=check)
    operation.variables = _variables(operation, apps, version)
    with locked(operation.inventory):
        run_and_tell(operation)


def _variables(operation: Operation, apps: Sequence[str] | None, version: str) -> dict[str, Any]:
    if not version:
        names = named_apps(operation, apps)
        return {"app_deploy": names} if names else {}
    name = one_app(operation, apps, "A version")
    check_version(next(app for app in operation.loaded.apps if app.name == name), version)
    return {"app_deploy": [name], "app_version": version}
