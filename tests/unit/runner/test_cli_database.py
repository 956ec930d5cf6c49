"""`roost database` and `roost up --remove-databases`: what they ask for, and what the first prints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roost import cli
from roost.cli import running
from roost.errors import UsageError
from roost.events import Event, Status
from roost.runner import RunRequest, RunResult
from tests.unit.environments import write_environment
from tests.unit.runner import result
from tests.unit.runner.test_database_report import TABLE, WELL, with_database


class Hosts:
    """Stands for Ansible: keeps the runs that were asked for, and lets the database's host return `report`."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.report: dict[str, Any] = WELL
        self.elsewhere: list[dict[str, Any]] = []

    def run(self, request: RunRequest, on_event: Callable[[Event], None]) -> RunResult:
        self.requests.append(request)
        on_event(result("postgresql_report", {"report": self.report}, Status.OK))
        on_event(result("postgresql_report_elsewhere", {"elsewhere": self.elsewhere}, Status.OK))
        return RunResult(0, False, 0.1)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    write_environment(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOST_ENV", "prod")
    found = Hosts()
    monkeypatch.setattr(running, "run", found.run)
    return found


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


def test_what_is_well_is_short(hosts: Hosts) -> None:
    lines = invoke("database").output.splitlines()
    assert lines[0] == "vm1 well"
    assert len(lines) == 3
    assert [request.playbook for request in hosts.requests] == ["playbooks/database.yml"]
    assert hosts.requests[0].variables == {"report_database": ""}


def test_what_deserves_attention_comes_first_and_fails_nothing(hosts: Hosts) -> None:
    hosts.report = with_database(dead_rows=[TABLE])
    told = invoke("database", "--database", "atlas")
    lines = told.output.splitlines()
    assert (told.exit_code, lines[0]) == (0, "vm1 needs attention")
    assert lines[1].startswith("  ! atlas: table orders has 43 % dead rows")
    assert lines[-2].split() == ["table", "live", "rows", "dead", "rows", "share", "vacuumed", "analyzed"]
    assert hosts.requests[0].variables == {"report_database": "atlas"}


def test_programs_get_everything(hosts: Hosts) -> None:
    hosts.report = with_database(dead_rows=[TABLE])
    document = json.loads(invoke("database", "--json").output)
    assert document["ok"]
    assert document["elsewhere"] == {}
    assert document["hosts"]["vm1"]["databases"] == hosts.report["databases"]
    assert len(document["hosts"]["vm1"]["troubles"]) == 1


def test_a_database_elsewhere_is_told_with_what_was_left_out(hosts: Hosts) -> None:
    looked = with_database(dead_rows=[TABLE]) | {"name": "borea", "problem": "", "left_out": ["what others do"]}
    hosts.elsewhere = [looked, {"name": "cirrus", "problem": "no route to host"}]
    lines = invoke("database").output.splitlines()
    first, second = lines.index("borea, elsewhere: needs attention"), lines.index("cirrus, elsewhere: needs attention")
    assert "table orders has 43 % dead rows" in lines[first + 1]
    assert lines[second - 1 :] == [
        "  not looked at: what others do",
        "cirrus, elsewhere: needs attention",
        "  ! the database can't be looked at: no route to host",
    ]
    document = json.loads(invoke("database", "--json").output)
    assert [len(found["troubles"]) for found in document["elsewhere"].values()] == [1, 1]


def test_what_can_be_no_name_is_refused_before_a_run(hosts: Hosts) -> None:
    assert isinstance(invoke("database", "--database", "{{ lookup('env', 'HOME') }}").exception, UsageError)
    assert hosts.requests == []


def test_databases_are_removed_only_if_the_run_says_so(hosts: Hosts) -> None:
    for arguments in ((), ("--remove-databases",)):
        assert invoke("up", *arguments).exit_code == 0
    assert [request.variables for request in hosts.requests] == [
        {"postgresql_remove": False},
        {"postgresql_remove": True},
    ]
