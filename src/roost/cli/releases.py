"""`roost releases`: which releases are there?"""

from rich.table import Table
from rich.text import Text

from roost.cli.apps import AppsOption, named_apps
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, LimitOption, Operation, print_json
from roost.releases import ReleasesCollector, ReleaseTable, release_table

_STYLES = {"live": "bold green", "failed": "red"}


def releases(
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    limit: LimitOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the releases of each application: live, previous (where a rollback leads), failed, or kept."""
    operation = Operation("releases", "playbooks/releases.yml", environment, as_json, limit=limit)
    operation.variables = {"app_named": named_apps(operation, apps)}
    collector = ReleasesCollector()
    outcome = operation.run(collector)
    if as_json:
        print_json({"ok": outcome.problem is None, "apps": collector.data()})
    else:
        for app, hosts in sorted(collector.apps.items()):
            _print(operation, release_table(app, hosts))
    if outcome.problem:
        raise outcome.problem


def _print(operation: Operation, found: ReleaseTable) -> None:
    operation.console.print(Text(found.app, style="bold"))
    for note in found.notes:
        operation.console.print(Text(f"! {note}", style="red"))
    if not found.rows:
        operation.console.print("  no release yet")
        return
    table = Table(*found.columns, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for row in found.rows:
        state = row[-1].partition(":")[0]
        table.add_row(*(Text(cell) for cell in row[:-1]), Text(row[-1], style=_STYLES.get(state, "")))
    operation.console.print(table)
