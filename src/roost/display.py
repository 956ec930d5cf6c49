"""Shows a run while it goes on: live on a terminal, line by line elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from roost.changes import Kind
from roost.events import Event, HostResult, PlayStarted, Status
from roost.progress import HostProgress, Progress, TaskChanges

_MAX_HOSTS_SHOWN = 12
_PRELIMINARIES = {"gather_facts", "setup", "validate_argument_spec"}
_STYLES = {Status.CHANGED: "yellow", Status.FAILED: "bold red", Status.UNREACHABLE: "bold red"}


class Display(Protocol):
    """Is told of each event after the progress has taken it."""

    def show(self, event: Event) -> None:
        """Show what the event says."""


def duration(seconds: float) -> str:
    """`9 s`, `2 min 5 s` or `1 h 0 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock(seconds: float) -> str:
    """`0:09` or `12:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def describe(changes: TaskChanges) -> str:
    """What a task changed in a few words: `3 files`, `41 packages`, `restart nginx`."""
    words = []
    for kind, noun in ((Kind.FILE, "file"), (Kind.PACKAGE, "package")):
        if count := sum(change.kind is kind for change in changes.changes):
            words.append(f"{count} {noun}{'' if count == 1 else 's'}")
    words += [f"{c.verb} {c.what}" for c in changes.changes if c.kind is Kind.SERVICE]
    return ", ".join(words)


@contextmanager
def displaying(console: Console, title: str, progress: Progress) -> Iterator[Display]:
    """The display that suits the console, for the time of the block."""
    started = time.monotonic()
    if not console.is_terminal:
        yield _Lines(console, progress, started)
        return
    view = _LiveView(title, progress, started)
    with Live(view, console=console, refresh_per_second=8, transient=True) as live:
        yield _Lines(live.console, progress, started)


class _Lines:
    """One line for each play in which there is something to do, for what changed and for what failed."""

    def __init__(self, console: Console, progress: Progress, started: float) -> None:
        self._console = console
        self._progress = progress
        self._started = started
        self._untold_play = ""

    def show(self, event: Event) -> None:
        if isinstance(event, PlayStarted):
            self._untold_play = event.name
        elif isinstance(event, HostResult) and _is_work(event):
            self._tell_play()
            self._tell_result(event)

    def _tell_play(self) -> None:
        if self._untold_play:
            self._print(f"[bold]{escape(self._untold_play)}[/]")
            self._untold_play = ""

    def _tell_result(self, event: HostResult) -> None:
        if event.status in _STYLES and not event.tolerated:
            style = _STYLES[event.status]
            what = self._what(event)
            self._print(f"  [{style}]{event.status:<11}[/] {escape(event.host)}  {escape(event.task.title)}{what}")

    def _what(self, event: HostResult) -> str:
        last = self._progress.last_changes
        words = describe(last) if event.status is Status.CHANGED and last else ""
        return f"  [dim]({escape(words)})[/]" if words else ""

    def _print(self, markup: str) -> None:
        elapsed = clock(time.monotonic() - self._started)
        self._console.print(f"[dim]{elapsed:>6}[/] {markup}", highlight=False, soft_wrap=True)


def _is_work(event: HostResult) -> bool:
    """Tell whether a task was of any use to its play."""
    if event.status is Status.OK:
        return event.task.module not in _PRELIMINARIES
    return event.status is not Status.SKIPPED


class _LiveView:
    """The last lines of the screen: the clock, and each host with its counts and current task."""

    def __init__(self, title: str, progress: Progress, started: float) -> None:
        self._title = title
        self._progress = progress
        self._started = started
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        elapsed = clock(time.monotonic() - self._started)
        head = Table.grid(padding=(0, 1))
        head.add_row(self._spinner, Text(self._title, style="bold"), Text(elapsed, style="dim"), self._task())
        return Group(head, self._hosts())

    def _task(self) -> Text:
        task = self._progress.task
        return Text(task.title if task else self._progress.play, style="cyan", overflow="ellipsis", no_wrap=True)

    def _hosts(self) -> Table:
        table = Table.grid(padding=(0, 2))
        hosts = sorted(self._progress.hosts.items(), key=lambda pair: (not pair[1].is_lost, pair[1].running is None))
        for name, host in hosts[:_MAX_HOSTS_SHOWN]:
            table.add_row(*self._host(name, host))
        if len(hosts) > _MAX_HOSTS_SHOWN:
            table.add_row("", Text(f"and {len(hosts) - _MAX_HOSTS_SHOWN} more hosts", style="dim"))
        return table

    @staticmethod
    def _host(name: str, host: HostProgress) -> tuple[str, Text, Text, Text]:
        done = host.counts[Status.OK] + host.counts[Status.CHANGED]
        state = Text("failed", style="bold red") if host.is_lost else Text("")
        if host.running:
            state = Text(host.running.title, style="dim", overflow="ellipsis", no_wrap=True)
        return (
            f"  {name}",
            Text(f"{done} done", style="green"),
            Text(f"{host.counts[Status.CHANGED]} changed", style="yellow"),
            state,
        )
