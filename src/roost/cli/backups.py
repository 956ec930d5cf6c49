"""`roost backups`: what can be restored?"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from roost.backups import COLUMNS, BackupsCollector, Line, backup_notes, backup_rows
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation, print_json


def backups(environment: EnvironmentOption = "", as_json: JsonOption = False) -> None:
    """Show the backups of each host, since when any point in time can be restored, and the last restore drill."""
    operation = Operation("backups", "playbooks/backups.yml", environment, as_json)
    collector = BackupsCollector()
    outcome = operation.run(collector)
    if as_json:
        print_json({"ok": outcome.problem is None, "hosts": dict(sorted(collector.hosts.items()))})
    else:
        for host, found in sorted(collector.hosts.items()):
            _print(operation, host, found)
    if outcome.problem:
        raise outcome.problem


def _print(operation: Operation, host: str, found: Mapping[str, Any]) -> None:
    operation.console.print(Text(host, style="bold"))
    if rows := backup_rows(found):
        table = Table(*COLUMNS, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        # However narrow the screen: a label that is cut short can't be given to `roost restore`.
        table.columns[0].min_width = max(len(row.cells[0]) for row in rows)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row.cells), style=_style(row))
        operation.console.print(table)
    for note in backup_notes(found):
        operation.console.print(Text(f"  {''.join(note.cells)}", style=_style(note)), soft_wrap=True)


def _style(line: Line) -> str:
    return "red" if line.bad else ""
