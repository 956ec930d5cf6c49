"""`roost restore`: take the databases back to a backup or to a point in time, or uploads to a backup."""

from typing import Annotated

import typer

from roost.cli.asking import ask, check_can_ask
from roost.cli.environments import EnvironmentOption, locked
from roost.cli.running import JsonOption, Operation, Outcome, print_json
from roost.cli.telling import tell
from roost.restore import Action, Repository, Restore, check_keeps_files
from roost.restored import RestoreCollector

_QUESTIONS = {
    Action.RESTORE: "Restore?",
    Action.CONFIRM: "Delete what was kept aside?",
    Action.UNDO: "Undo the restore?",
}


def restore(  # noqa: PLR0913, PLR0917 - the options of the command
    environment: EnvironmentOption = "",
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="To this point in time, in UTC or with an offset; else to the last that is known."
        ),
    ] = None,
    backup: Annotated[
        str | None, typer.Option(metavar="LABEL", help="This backup and nothing later, as `roost backups` names it.")
    ] = None,
    repository: Annotated[
        Repository | None, typer.Option("--from", help="From these backups, not from the first that can do it.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this database; the one that serves stays as it is.")
    ] = None,
    into: Annotated[
        str | None, typer.Option(metavar="NAME", help="The database that --database is restored into.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this table of --database, such as notes or public.notes.")
    ] = None,
    files: Annotated[
        str | None, typer.Option(metavar="APP", help="The files uploaded to this application, and no database.")
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Delete what the last restore kept aside: it can't be undone any more.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put back what the last restore kept aside; what came after it is lost.")
    ] = False,
    without_receiver: Annotated[
        bool,
        typer.Option(
            "--without-receiver", help="Do without what only the host in the group receiver has, and lose it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without being asked.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only tell what would be restored and what is lost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore the databases, or an application's files, from their backups, after telling what is lost and asking.

    What was there before is kept aside until --confirm deletes it or --undo puts it back.
    """
    asked = Restore(to, backup, repository, database, into, table, files, confirm, undo, without_receiver)
    variables = asked.variables()
    if not yes and not check:
        check_can_ask(as_json=as_json)
    playbook = "playbooks/restore.yml" if files is None else "playbooks/restore_files.yml"
    operation = Operation("restore", playbook, environment, as_json, check=True)
    if files is not None:
        check_keeps_files(files, operation.loaded.apps)
    operation.variables = variables
    with locked(operation.inventory):
        plan, done = RestoreCollector(), RestoreCollector()
        outcome = operation.run(plan)
        if check or outcome.problem or not plan.changes:
            _tell_plan(operation, outcome, plan)
            return
        operation.print_lines([*outcome.summary.warnings, *plan.lines()])
        if not yes:
            ask(_QUESTIONS[asked.action])
        operation.check = False
        operation.variables = {**variables, "backup_restore_confirmed": True}
        outcome = operation.run(done)
    tell(operation, outcome, "restores", done)


def _tell_plan(operation: Operation, outcome: Outcome, plan: RestoreCollector) -> None:
    """Tell what would be done, where nothing is done now."""
    if operation.as_json:
        print_json({**outcome.document(), "restores": plan.data()})
    else:
        operation.print_lines([*outcome.summary.warnings, *plan.lines(), "Nothing was changed."])
    if outcome.problem:
        raise outcome.problem
