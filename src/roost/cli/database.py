"""`roost database`: how are the databases?"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation, print_json
from roost.database_report import DatabaseCollector, Section, database_line, sections, server_line
from roost.database_troubles import troubles
from roost.errors import UsageError


def database(
    environment: EnvironmentOption = "",
    name: Annotated[
        str, typer.Option("--database", metavar="NAME", help="Only this database.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show what of the databases deserves attention, with its remedy.

    Dead rows, wasted space, old transactions, indexes, sequences and slow statements. Changes nothing.
    """
    if name and not re.fullmatch(r"[a-z_][a-z0-9_-]{0,62}", name):
        raise UsageError(f"{name!r} can't be the name of a database.")
    operation = Operation("database", "playbooks/database.yml", environment, as_json)
    operation.variables = {"report_database": name}
    collector = DatabaseCollector()
    outcome = operation.run(collector)
    if as_json:
        hosts, elsewhere = _document(collector.hosts), _document(collector.elsewhere)
        print_json({"ok": outcome.problem is None, "elsewhere": elsewhere, "hosts": hosts})
    else:
        for host, found in sorted(collector.hosts.items()):
            _print(operation, host, found)
        for app, found in sorted(collector.elsewhere.items()):
            _print(operation, f"{app}, elsewhere:", found)
    if outcome.problem:
        raise outcome.problem


def _document(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: {**found, "troubles": list(troubles(found))} for name, found in sorted(reports.items())}


def _print(operation: Operation, title: str, found: Mapping[str, Any]) -> None:
    deserving = list(troubles(found))
    verdict = Text("needs attention", style="bold red") if deserving else Text("well", style="bold green")
    operation.console.print(Text(title, style="bold"), verdict)
    for trouble in deserving:
        operation.console.print(Text(f"  ! {trouble}", style="red"), soft_wrap=True)
    if found.get("problem"):
        return
    operation.console.print(Text(f"  {server_line(found['server'])}"), soft_wrap=True)
    for one in found["databases"]:
        operation.console.print(Text(f"  {one['name']}: {database_line(one)}"), soft_wrap=True)
        for section in sections(one):
            operation.console.print(Padding(_table(section), (0, 0, 0, 4)))
    for missing in found.get("left_out", ()):
        operation.console.print(Text(f"  not looked at: {missing}", style="dim"), soft_wrap=True)


def _table(section: Section) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for index, column in enumerate(section.columns):
        table.add_column(column, justify="right" if index in section.numeric else "left")
    for row in section.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
