"""`roost backup`: a backup of databases and uploads now."""

from typing import Annotated

import typer

from roost.backed_up import BackupCollector
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation
from roost.cli.telling import tell
from roost.errors import UsageError


def backup(
    environment: EnvironmentOption = "",
    full: Annotated[bool, typer.Option("--full", help="Everything, whatever was backed up before.")] = False,
    differential: Annotated[
        bool, typer.Option("--differential", help="What has changed since the last full backup.")
    ] = False,
    clock_is_right: Annotated[
        bool,
        typer.Option("--clock-is-right", help="Remove backups that are newer than now: the clock was ahead."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Back up databases and uploads now, besides what the hosts back up by themselves. Nothing is interrupted."""
    if full and differential:
        raise UsageError("A backup is either --full or --differential: choose one of them.")
    operation = Operation("backup", "playbooks/backup.yml", environment, as_json)
    variables: dict[str, object] = {}
    if full or differential:
        variables["backup_kind"] = "full" if full else "diff"
    if clock_is_right:
        variables["backup_clock_is_right"] = True
    operation.variables = variables
    # Without the environment's lock: the hosts back up at any time by themselves, and it may take hours.
    made = BackupCollector()
    tell(operation, operation.run(made), "backups", made)
