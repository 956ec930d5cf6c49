"""The commands that go to a host by themselves: what they start, and what they refuse before."""

import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roost import cli
from roost.cli import logs
from roost.errors import HostUnreachable, RoostError, TaskFailed, UsageError
from tests.unit.environments import write_environment

MANY = """\
all:
  hosts: {a1: {ansible_host: 192.0.2.1}, a2: {ansible_host: 192.0.2.2}, d1: {ansible_host: 192.0.2.3}}
  children:
    web: {hosts: {a1: , a2: }}
    app: {hosts: {a1: , a2: }}
    worker: {hosts: {a2: }}
    database: {hosts: {d1: }}
    cache: {hosts: {d1: }}
"""


class Replaced(Exception):  # noqa: N818 - not an error: where another program would have taken over
    pass


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A project with three hosts; the list is filled with what would have been started."""
    write_environment(tmp_path, hosts=MANY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOST_ENV", "prod")
    monkeypatch.setenv("ROOST_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    found: list[Any] = []

    def execute(_program: str, words: list[str]) -> None:
        found.append(words)
        raise Replaced

    def stream(commands: dict[str, list[str]]) -> dict[str, int]:
        found.append(commands)
        return dict.fromkeys(commands, 0)

    monkeypatch.setattr(os, "execvp", execute)
    monkeypatch.setattr(logs, "stream", stream)
    return found


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


def test_a_command_runs_on_the_first_application_host(started: list[Any]) -> None:
    assert isinstance(invoke("run", "python", "manage.py", "migrate", "--plan").exception, Replaced)
    (words,) = started
    assert words[0] == "ssh"
    assert words[-2] == "192.0.2.1"
    assert words[-1].endswith("/usr/local/lib/roost/in-release atlas python manage.py migrate --plan")


def test_a_command_may_follow_two_dashes_and_name_its_host(started: list[Any]) -> None:
    assert isinstance(invoke("run", "--host", "a2", "--", "sh", "-c", "echo 'a b'").exception, Replaced)
    assert started[0][-2] == "192.0.2.2"
    assert started[0][-1].endswith("""atlas sh -c 'echo '"'"'a b'"'"''""")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--app", "atls", "id"), 'Did you mean "atlas"'),
        (("run", "--host", "a3", "id"), "There is no host a3"),
        (("run", "--host", "d1", "id"), "d1 is not in the group app or worker"),
        (("logs", "--app", "atls"), 'Did you mean "atlas"'),
        (("logs", "celery", "--host", "a1"), "a1 is not in the group worker"),
    ],
)
def test_what_can_not_be_meant_is_refused(started: list[Any], arguments: tuple[str, ...], message: str) -> None:
    error = invoke(*arguments).exception
    assert isinstance(error, UsageError)
    assert message in str(error)
    assert started == []


def test_logs_are_those_of_all_hosts_that_write_them(started: list[Any]) -> None:
    assert invoke("logs").exit_code == 0
    assert invoke("logs", "-f", "-n", "5", "celery").exit_code == 0
    assert [list(commands) for commands in started] == [["a1", "a2"], ["a2"]]
    assert "BatchMode=yes" in started[0]["a1"]


def test_an_application_without_background_tasks_has_no_logs_of_them(started: list[Any]) -> None:
    stack = Path("inventories/prod/group_vars/all/stack.yml")
    stack.write_text(stack.read_text().replace("      celery: {app: atlas}\n", ""))
    assert str(invoke("logs", "celery").exception) == "atlas has no background tasks."
    assert started == []


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(("code", "error"), [(255, HostUnreachable), (1, TaskFailed)])
def test_logs_that_could_not_be_shown_are_an_error(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[RoostError]
) -> None:
    monkeypatch.setattr(logs, "stream", lambda commands: {**dict.fromkeys(commands, 0), "a2": code})
    caught = invoke("logs").exception
    assert isinstance(caught, error)
    assert "a2" in str(caught)
    assert "a1" not in str(caught)


@pytest.mark.usefixtures("started")
def test_ctrl_c_ends_logs_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_commands: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(logs, "stream", interrupt)
    result = invoke("logs", "-f")
    assert (result.exit_code, result.output) == (130, "")
