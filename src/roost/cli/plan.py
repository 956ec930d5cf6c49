"""`roost plan`: what would `roost up` change?"""

from typing import Annotated

import typer

from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, LimitOption, Operation, TagsOption, print_json
from roost.report import plan_lines


def plan(
    environment: EnvironmentOption = "",
    tags: TagsOption = None,
    limit: LimitOption = "",
    diff: Annotated[bool, typer.Option("--diff", help="Show the changed lines too. Secrets stay hidden.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what `roost up` would change. Nothing on a host is changed."""
    operation = Operation("plan", "site.yml", environment, as_json, tags, limit, check=True, diff=True)
    outcome = operation.run()
    if as_json:
        print_json(outcome.document())
    else:
        operation.print_lines(list(plan_lines(outcome.summary, diff=diff)))
    if outcome.problem:
        raise outcome.problem
