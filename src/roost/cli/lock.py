"""`roost lock` and `roost unlock`: no deploy while somebody works on something."""

from typing import Annotated

import typer

from roost.cli.apps import AppsOption, named_apps
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, LimitOption, Operation
from roost.errors import UsageError

_MAX_REASON = 200


def lock(
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for those who want to deploy.")],
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Refuse every deploy and rollback, from any machine, until `roost unlock`. What serves is not touched.

    `roost up` still applies changed settings; it never changes which version is live.
    """
    operation = Operation("lock", "playbooks/lock.yml", environment, as_json, limit=limit)
    variables = {"app_named": named_apps(operation, apps), "app_lock_reason": check_reason(reason)}
    operation.variables = variables
    operation.close(operation.run())


def unlock(
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Allow deploys and rollbacks again, whoever locked the applications.

    This also ends the turn of a deploy that was killed elsewhere; one that is still alive does nothing more.
    """
    operation = Operation("unlock", "playbooks/unlock.yml", environment, as_json, limit=limit)
    operation.variables = {"app_named": named_apps(operation, apps)}
    operation.close(operation.run())


def check_reason(reason: str) -> str:
    """The reason without spaces around it. Raises UsageError if others could not read it in one line."""
    reason = reason.strip()
    if not reason or len(reason) > _MAX_REASON or not reason.isprintable():
        raise UsageError(f"The reason must be one line of 1 to {_MAX_REASON} printable characters.")
    if any(opening in reason for opening in ("{{", "{%", "{#")):
        raise UsageError("The reason can't contain {{, {% or {#, which Ansible would take for a template.")
    return reason
