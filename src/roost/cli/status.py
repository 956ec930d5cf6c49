"""`roost status`: how is every host?"""

from rich.table import Table
from rich.text import Text

from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, LimitOption, Operation, print_json
from roost.status import StatusCollector, status_rows, troubles


def status(environment: EnvironmentOption = "", limit: LimitOption = "", as_json: JsonOption = False) -> None:
    """Show every host's services, releases, certificates, disks and memory, and what needs attention."""
    operation = Operation("status", "playbooks/status.yml", environment, as_json, limit=limit)
    collector = StatusCollector()
    outcome = operation.run(collector)
    if as_json:
        hosts = {host: {**state, "troubles": list(troubles(state))} for host, state in sorted(collector.hosts.items())}
        print_json({"ok": outcome.problem is None, "hosts": hosts})
    else:
        operation.console.print(_table(collector))
    if outcome.problem:
        raise outcome.problem


def _table(collector: StatusCollector) -> Table:
    table = Table.grid(padding=(0, 2))
    for host, state in sorted(collector.hosts.items()):
        found = list(troubles(state))
        verdict = Text("needs attention", style="bold red") if found else Text("well", style="bold green")
        table.add_row(Text(host, style="bold"), verdict)
        for trouble in found:
            table.add_row("", Text(f"! {trouble}", style="red"))
        for label, text in status_rows(state):
            table.add_row(Text(f"  {label}", style="dim"), text)
    return table
