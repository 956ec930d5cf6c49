"""The commands about backups: which playbook they run with what, when they ask, and what they print."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roost import cli
from roost.cli import asking, running
from roost.errors import Interrupted, TaskFailed, UsageError
from roost.events import Event, Status
from roost.runner import RunRequest, RunResult
from tests.unit.environments import GOOD_STACK, write_environment
from tests.unit.runner import result
from tests.unit.runner.test_backups import DRILL, FOUND, MADE

PLANNED: dict[str, Any] = {"changed": True, "told": ["5 min are lost."], "kept": ""}
RESTORED: dict[str, Any] = {"changed": True, "told": ["It is 14:05 again."], "kept": "/var/lib/postgresql/kept"}


class Hosts:
    """Stands for Ansible: keeps the runs that were asked for, and lets the host return what it is told to."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.returns: dict[str, dict[str, Any]] = {}
        self.status = Status.CHANGED
        self.planned = PLANNED

    def run(self, request: RunRequest, on_event: Callable[[Event], None]) -> RunResult:
        self.requests.append(request)
        returned = self.planned if request.check else self.returns.get(request.playbook)
        if returned is not None:
            on_event(result(_MODULES[request.playbook], returned, self.status))
        return RunResult(0 if self.status is Status.CHANGED else 2, False, 0.1)


_MODULES = {
    "playbooks/backup.yml": "postgresql_backup",
    "playbooks/backups.yml": "postgresql_backups",
    "playbooks/restore.yml": "postgresql_restore",
    "playbooks/restore_files.yml": "files_restore",
    "playbooks/drill.yml": "postgresql_drill",
}


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    write_environment(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOST_ENV", "prod")
    found = Hosts()
    found.returns = {
        "playbooks/backup.yml": MADE,
        "playbooks/backups.yml": {"found": FOUND},
        "playbooks/restore.yml": RESTORED,
        "playbooks/restore_files.yml": RESTORED,
        "playbooks/drill.yml": {"changed": True, "drill": DRILL | {"checks": ["atlas has 3 tables."]}},
    }
    monkeypatch.setattr(running, "run", found.run)
    return found


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "has_terminal", lambda: True)


def invoke(*arguments: str, answer: str = "") -> Any:
    return CliRunner().invoke(cli.app, arguments, input=answer)


def test_a_backup_is_of_the_kind_that_is_due_or_named(hosts: Hosts) -> None:
    for options in ([], ["--full"], ["--differential"], ["--clock-is-right"]):
        assert invoke("backup", *options).exit_code == 0
    assert [request.variables for request in hosts.requests] == [
        {},
        {"backup_kind": "full"},
        {"backup_kind": "diff"},
        {"backup_clock_is_right": True},
    ]
    assert {request.playbook for request in hosts.requests} == {"playbooks/backup.yml"}


def test_a_backup_can_not_be_of_two_kinds(hosts: Hosts) -> None:
    assert isinstance(invoke("backup", "--full", "--differential").exception, UsageError)
    assert hosts.requests == []


@pytest.mark.usefixtures("hosts")
def test_a_backup_tells_what_it_made() -> None:
    assert "vm1: full backup 20261126-150009F to offsite, 3.9 MiB in 3 s\n" in invoke("backup").output
    data = json.loads(invoke("backup", "--json").stdout)
    assert data["ok"] is True
    assert data["backups"][0]["expired"] == ["20261019-150009F"]


def test_backups_are_shown_as_a_table_with_notes(hosts: Hosts) -> None:
    lines = [" ".join(line.split()) for line in invoke("backups").output.splitlines()]
    head = lines.index("vm1")
    assert lines[head + 1] == "label kind when size repository state"
    assert "20261126-150009F full 2026-11-26 15:00 UTC 28.6 MiB (3.9 MiB stored) offsite good" in lines
    assert "last backup: 2026-11-27 03:00 UTC" in lines
    assert not hosts.requests[0].check


@pytest.mark.usefixtures("hosts")
def test_a_label_is_never_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PLAIN_WIDTH", 60)
    assert "20261126-150009F_20261127-030000D " in invoke("backups").output


@pytest.mark.usefixtures("hosts")
def test_backups_are_json_data_too() -> None:
    assert json.loads(invoke("backups", "--json").stdout) == {"ok": True, "hosts": {"vm1": FOUND}, "files": {}}


@pytest.mark.usefixtures("hosts")
def test_a_drill_tells_what_it_measured() -> None:
    told = "vm1: backup 20261126-150009F of offsite restores: 2 min 5 s to restore, 0 s of data lost; 1 check passed\n"
    assert told in invoke("drill").output
    assert json.loads(invoke("drill", "--json").stdout)["drills"][0]["rto_seconds"] == 125


@pytest.mark.parametrize("command", ["backup", "backups", "drill"])
def test_what_failed_on_a_host_is_a_failed_task(hosts: Hosts, command: str) -> None:
    hosts.returns[f"playbooks/{command}.yml"] = {"msg": "no row in users"}
    hosts.status = Status.FAILED
    error = invoke(command).exception
    assert isinstance(error, TaskFailed)
    assert "no row in users" in str(error)
    assert json.loads(invoke(command, "--json").stdout)["ok"] is False


@pytest.mark.usefixtures("terminal")
def test_a_restore_tells_what_is_lost_asks_and_restores(hosts: Hosts) -> None:
    done = invoke("restore", "--to", "2026-11-26 14:05", "--from", "local", answer="y\n")
    assert done.exit_code == 0, done.exception
    asked = {"backup_restore_to": "2026-11-26 14:05:00+00", "backup_restore_from": "local"}
    assert [(request.check, request.variables) for request in hosts.requests] == [
        (True, asked),
        (False, {**asked, "backup_restore_confirmed": True}),
    ]
    told = [done.output.index(text) for text in ("5 min are lost.", "Restore? [y/N]", "vm1: It is 14:05 again.")]
    assert told == sorted(told)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_restore_that_nobody_agrees_to_changes_nothing(hosts: Hosts, answer: str) -> None:
    assert isinstance(invoke("restore", answer=answer).exception, Interrupted)
    assert [request.check for request in hosts.requests] == [True]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("option", "question"), [("confirm", "Delete what was kept aside? [y/N]"), ("undo", "Undo the restore? [y/N]")]
)
def test_the_end_of_a_restore_is_asked_for_too(hosts: Hosts, option: str, question: str) -> None:
    assert question in invoke("restore", f"--{option}", answer="y\n").output
    assert hosts.requests[1].variables == {"backup_restore_action": option, "backup_restore_confirmed": True}


def test_a_restore_without_a_terminal_needs_a_yes(hosts: Hosts) -> None:
    error = invoke("restore").exception
    assert isinstance(error, UsageError)
    assert "--yes" in error.hint
    assert hosts.requests == []
    assert invoke("restore", "--yes").exit_code == 0
    assert [request.check for request in hosts.requests] == [True, False]


@pytest.mark.usefixtures("terminal")
def test_a_restore_told_as_json_needs_a_yes(hosts: Hosts) -> None:
    assert isinstance(invoke("restore", "--json").exception, UsageError)
    assert hosts.requests == []
    data = json.loads(invoke("restore", "--json", "--yes").stdout)
    assert data["restores"] == [{"host": "vm1", **RESTORED}]


def test_a_restore_can_be_tried_without_doing_it(hosts: Hosts) -> None:
    output = invoke("restore", "--check").output
    assert output.endswith("vm1: 5 min are lost.\nNothing was changed.\n")
    assert json.loads(invoke("restore", "--check", "--json").stdout)["restores"] == [{"host": "vm1", **PLANNED}]
    assert [request.check for request in hosts.requests] == [True, True]


@pytest.mark.usefixtures("terminal")
def test_nothing_is_asked_where_nothing_would_change(hosts: Hosts) -> None:
    hosts.planned = {"changed": False, "told": ["Nothing is kept aside."], "kept": ""}
    assert invoke("restore", "--confirm").output.endswith("vm1: Nothing is kept aside.\nNothing was changed.\n")
    assert [request.check for request in hosts.requests] == [True]


def test_a_restore_that_can_not_work_is_not_begun(hosts: Hosts) -> None:
    hosts.planned = {"msg": "There is no backup before 2026-11-26 14:05:00 UTC."}
    hosts.status = Status.FAILED
    error = invoke("restore", "--to", "2026-11-26 14:05", "--yes").exception
    assert isinstance(error, TaskFailed)
    assert "There is no backup before" in str(error)
    assert json.loads(invoke("restore", "--json", "--yes").stdout)["exit_code"] == 5
    assert [request.check for request in hosts.requests] == [True, True]


def test_a_restore_refuses_what_makes_no_sense_before_it_runs(hosts: Hosts) -> None:
    for options in (["--to", "yesterday"], ["--confirm", "--undo"], ["--database", "atlas"], ["--to", ""]):
        assert isinstance(invoke("restore", "--yes", *options).exception, UsageError)
    assert invoke("restore", "--yes", "--from", "elsewhere").exit_code == 2
    assert hosts.requests == []


UPLOADS = GOOD_STACK + "      media: true\n"


@pytest.mark.usefixtures("terminal")
def test_the_files_of_an_application_come_back_by_a_playbook_of_their_own(hosts: Hosts, tmp_path: Path) -> None:
    write_environment(tmp_path, stack=UPLOADS)
    done = invoke("restore", "--files", "atlas", "--backup", "e8afe109", answer="y\n")
    assert done.exit_code == 0, done.exception
    asked = {"backup_restore_files": "atlas", "backup_restore_label": "e8afe109"}
    assert [(request.playbook, request.variables) for request in hosts.requests] == [
        ("playbooks/restore_files.yml", asked),
        ("playbooks/restore_files.yml", {**asked, "backup_restore_confirmed": True}),
    ]


@pytest.mark.parametrize(
    ("name", "stack", "problem"),
    [
        ("atlos", UPLOADS, "There is no application atlos."),
        ("atlas", GOOD_STACK, "atlas has no uploads that are backed up."),
    ],
)
def test_files_that_are_not_backed_up_are_refused_before_a_host_is_asked(
    hosts: Hosts, tmp_path: Path, name: str, stack: str, problem: str
) -> None:
    write_environment(tmp_path, stack=stack)
    error = invoke("restore", "--files", name, "--yes").exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(problem)
    assert hosts.requests == []
