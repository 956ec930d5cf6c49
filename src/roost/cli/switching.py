"""What `roost deploy` and `roost rollback` have in common: they tell which releases are live now."""

from roost.cli.running import Operation, print_json
from roost.deployed import SwitchCollector
from roost.migrations import MigrationsCollector
from roost.report import plan_lines


def run_and_tell(operation: Operation) -> None:
    """Run the operation, tell which releases are live, and raise the error it ended with."""
    switches, migrations = SwitchCollector(), MigrationsCollector()
    outcome = operation.run(switches, migrations)
    if operation.as_json:
        print_json(
            {
                **outcome.document(),
                "releases": [] if operation.check else switches.data(),
                "migrations": migrations.data(),
            }
        )
        if outcome.problem:
            raise outcome.problem
        return
    if operation.check:
        operation.print_lines([*migrations.lines(), *plan_lines(outcome.summary, diff=False)])
        if outcome.problem:
            raise outcome.problem
        return
    operation.print_lines([*migrations.lines(), *switches.lines()])
    operation.close(outcome)
