"""`roost backups`: what can be restored?"""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from roost.backups import (
    COLUMNS,
    FILES_COLUMNS,
    BackupsCollector,
    Line,
    backup_notes,
    backup_rows,
    files_notes,
    files_rows,
)
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation, print_json


def backups(environment: EnvironmentOption = "", as_json: JsonOption = False) -> None:
    """Show the backups of each host, since when any point in time can be restored, and how the last drill went."""
    operation = Operation("backups", "playbooks/backups.yml", environment, as_json)
    collector = BackupsCollector()
    outcome = operation.run(collector)
    if as_json:
        hosts, files = (dict(sorted(found.items())) for found in (collector.hosts, collector.files))
        print_json({"ok": outcome.problem is None, "hosts": hosts, "files": files})
    else:
        for host in sorted({*collector.hosts, *collector.files}):
            operation.console.print(Text(host, style="bold"))
            if found := collector.hosts.get(host):
                _print(operation, COLUMNS, backup_rows(found), backup_notes(found))
            if files_found := collector.files.get(host):
                _print(operation, FILES_COLUMNS, files_rows(files_found), files_notes(files_found))
    if outcome.problem:
        raise outcome.problem


def _print(operation: Operation, columns: Iterable[str], rows: Sequence[Line], notes: Iterable[Line]) -> None:
    if rows:
        table = Table(*columns, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        # However narrow the screen: a label that is cut short can't be given to `roost restore`.
        table.columns[0].min_width = max(len(row.cells[0]) for row in rows)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row.cells), style=_style(row))
        operation.console.print(table)
    for note in notes:
        operation.console.print(Text(f"  {''.join(note.cells)}", style=_style(note)), soft_wrap=True)


def _style(line: Line) -> str:
    return "red" if line.bad else ""
