import io
import re

from rich.console import Console

from roost.changes import Change, Kind
from roost.display import clock, describe, displaying, duration
from roost.events import PlayStarted, Status, Task, parse
from roost.progress import Progress, TaskChanges
from tests.unit.runner import recorded, result


def shown(run: str, *, terminal: bool) -> str:
    output = io.StringIO()
    console = Console(file=output, width=100, force_terminal=terminal, color_system=None)
    progress = Progress()
    with displaying(console, "roost up prod", progress) as display:
        for raw in recorded(run):
            if (event := parse(raw)) is not None:
                progress.apply(event)
                display.show(event)
    return output.getvalue()


def test_durations_are_readable() -> None:
    assert [duration(s) for s in (0.4, 59, 125, 3600)] == ["0 s", "59 s", "2 min 5 s", "1 h 0 min"]
    assert [clock(s) for s in (9, 725)] == ["0:09", "12:05"]


def test_lines_tell_plays_changes_and_failures_and_nothing_else() -> None:
    lines = [re.sub(r"^ *\d+:\d\d ", "", line) for line in shown("run", terminal=False).splitlines()]
    assert lines[:5] == [
        "First play",
        "  unreachable gone  Gathering Facts",
        "  changed     vm1  Copy a file  (1 file)",
        "  changed     vm1  Copy a secret",
        "  changed     vm1  Install packages  (4 packages)",
    ]
    assert lines[-1] == "  failed      vm1  Fail in a loop"
    assert not any("\x1b" in line or "{" in line for line in lines)


def test_a_terminal_shows_the_hosts_and_keeps_the_lines() -> None:
    text = shown("run", terminal=True)
    assert "roost up prod" in text
    assert "changed     vm1  Copy a file  (1 file)" in text


def test_a_play_without_work_is_not_told() -> None:
    output = io.StringIO()
    progress = Progress()
    with displaying(Console(file=output, width=80), "x", progress) as display:
        for play, module, status in (
            ("For nobody", "", None),
            ("Nothing to do", "ansible.builtin.validate_argument_spec", Status.OK),
            ("Not wanted", "command", Status.SKIPPED),
            ("Work", "command", Status.OK),
        ):
            display.show(PlayStarted(play))
            if status:
                display.show(result(module, {}, status))
    assert [line.split(maxsplit=1)[1] for line in output.getvalue().splitlines()] == ["Work"]


def test_names_are_not_markup() -> None:
    output = io.StringIO()
    progress = Progress()
    with displaying(Console(file=output, width=80), "x", progress) as display:
        display.show(PlayStarted("[bold]odd[/]"))
        progress.apply(event := result("command", {"msg": ""}, Status.FAILED, name="[red]x"))
        display.show(event)
    assert "[bold]odd[/]" in output.getvalue()
    assert "role: [red]x" in output.getvalue()


def test_changes_are_described_in_few_words() -> None:
    changes = (Change(Kind.FILE, "/a"), Change(Kind.FILE, "/b"), Change(Kind.SERVICE, "nginx", "reload"))
    assert describe(TaskChanges("vm1", Task("t"), changes)) == "2 files, reload nginx"
    assert describe(TaskChanges("vm1", Task("t"), (Change(Kind.OTHER, "t"),))) == ""
