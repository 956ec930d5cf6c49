"""What the commands that run a playbook have in common."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from roost.cli.environments import find_inventory
from roost.display import displaying
from roost.environment import Environment, load_environment
from roost.errors import RoostError
from roost.events import Event
from roost.paths import project_root
from roost.progress import Progress, Summary
from roost.report import closing_lines, document, problem_of
from roost.runner import RunRequest, RunResult, run

_PLAIN_WIDTH = 160

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")
]
LimitOption = Annotated[
    str, typer.Option(metavar="HOSTS", help="Only these hosts or groups (Ansible's pattern).", show_default=False)
]
TagsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="TAG", help="Only these roles, e.g. nginx. May be given more than once."),
]


@dataclass(frozen=True)
class Outcome:
    """A run that is over; `problem` is the error it ended with."""

    summary: Summary
    result: RunResult
    problem: RoostError | None

    def document(self) -> dict[str, Any]:
        """The run as JSON data."""
        return document(self.summary, self.result, self.problem)


@dataclass
class Operation:
    """One playbook on one environment, as asked for on the command line. Creating it checks the declaration."""

    name: str
    playbook: str
    environment: str
    as_json: bool = False
    tags: list[str] | None = None
    limit: str = ""
    check: bool = False
    diff: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.console = Console(quiet=self.as_json, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        self.inventory: Path = find_inventory(self.environment)
        self.loaded: Environment = load_environment(self.inventory)

    def run(self, *listeners: Callable[[Event], None]) -> Outcome:
        """Run the playbook and show its progress; each listener is told of every event too."""
        progress = Progress()
        request = RunRequest(
            playbook=self.playbook,
            inventory=self.inventory,
            project=project_root(self.inventory),
            tags=tuple(self.tags or ()),
            limit=self.limit,
            check=self.check,
            diff=self.diff,
            variables=self.variables,
        )
        title = f"roost {self.name} {self.inventory.name}"
        with displaying(self.console, title, progress) as display:

            def on_event(event: Event) -> None:
                progress.apply(event)
                display.show(event)
                for listener in listeners:
                    listener(event)

            result = run(request, on_event)
        summary = progress.summary()
        return Outcome(summary, result, problem_of(summary, result))

    def close(self, outcome: Outcome) -> None:
        """Print how the run ended, and raise the error it ended with."""
        if self.as_json:
            print_json(outcome.document())
        else:
            self.print_lines(list(closing_lines(outcome.summary, outcome.result)))
        if outcome.problem:
            raise outcome.problem

    def print_lines(self, lines: list[str]) -> None:
        """Print plain lines, uninterpreted."""
        self.console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def print_json(data: dict[str, Any]) -> None:
    """Print a JSON document."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
