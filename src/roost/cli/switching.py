"""What `roost deploy` and `roost rollback` have in common: they tell which releases are live now."""

from roost.cli.running import Operation, print_json
from roost.deployed import SwitchCollector


def run_and_tell(operation: Operation) -> None:
    """Run the operation, tell which releases are live, and raise the error it ended with."""
    switches = SwitchCollector()
    outcome = operation.run(switches)
    if operation.as_json:
        print_json({**outcome.document(), "releases": switches.data()})
        if outcome.problem:
            raise outcome.problem
        return
    operation.print_lines(list(switches.lines()))
    operation.close(outcome)
