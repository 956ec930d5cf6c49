"""The `roost` command: arguments, exit codes and printing; nothing else."""

import typer

from roost.cli import (
    backup,
    backup_key,
    backups,
    check,
    database,
    deploy,
    deploy_key,
    drill,
    init,
    lock,
    logs,
    maintenance,
    plan,
    releases,
    restore,
    rollback,
    run,
    sandbox,
    secrets,
    status,
    up,
)
from roost.errors import RoostError

_EPILOG = """
Exit codes: 0 done; 1 unexpected error; 2 wrong usage; 3 invalid declaration; 4 host unreachable; 5 a task failed;
6 the sandbox has a problem; 75 another run holds the lock; 130 stopped by Ctrl-C.
"""

app = typer.Typer(
    help="A production home for Python web applications on virtual machines you control.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(init.init)
app.command()(check.check)
app.command()(plan.plan)
app.command()(up.up)
app.command()(deploy.deploy)
app.command()(rollback.rollback)
app.command()(releases.releases)
app.command()(lock.lock)
app.command()(lock.unlock)
app.command()(status.status)
app.command()(database.database)
app.command()(backup.backup)
app.command()(backups.backups)
app.command("backup-key")(backup_key.backup_key)
app.command()(restore.restore)
app.command()(drill.drill)
app.command(context_settings={"allow_interspersed_args": False})(run.run)
app.command()(logs.logs)
app.command("deploy-key")(deploy_key.deploy_key)
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(secrets.app, name="secrets")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    """Run the command line and turn an expected error into a message and its exit code."""
    try:
        app()
    except RoostError as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        if error.hint:
            typer.echo(error.hint, err=True)
        raise SystemExit(error.exit_code) from None
