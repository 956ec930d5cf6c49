"""`roost secrets rotate`: what it asks the server, and what it says; the vault itself is tested by test_rotation.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roost import cli
from roost.cli import running
from roost.environment import load_environment
from roost.errors import UsageError
from roost.events import Event, Status
from roost.paths import bundle_root
from roost.runner import RunRequest, RunResult
from roost.secrets import ensure_secrets, get_secret, open_vault
from tests.unit.environments import write_environment
from tests.unit.runner import result


class Server:
    """Stands for Ansible: keeps the runs that were asked for, and lets the server tell which logins are `open`."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.open = ["atlas", "atlas_app"]
        self.code = 0

    def run(self, request: RunRequest, on_event: Callable[[Event], None]) -> RunResult:
        self.requests.append(request)
        on_event(result("postgresql_logins", {"open": self.open}, Status.OK))
        return RunResult(self.code, False, 0.1)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    environment = load_environment(write_environment(tmp_path))
    password = tmp_path / ".vault-password"
    password.write_text("a password\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOST_ENV", "prod")
    monkeypatch.setenv("ROOST_VAULT_PASSWORD_FILE", str(password))
    ensure_secrets(environment, open_vault(password))
    found = Server()
    monkeypatch.setattr(running, "run", found.run)
    return found


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["secrets", "rotate", *arguments])


def login() -> str:
    environment = load_environment(Path("inventories/prod"))
    return get_secret(environment, open_vault(Path(".vault-password")), "atlas", "database_login")


def test_the_server_is_asked_about_every_login_and_no_password_is_printed(server: Server) -> None:
    told = invoke("atlas", "database")
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-1].endswith("vault.yml. Turn over to them with: roost up")
    assert login() == "second"
    (request,) = server.requests
    assert request.playbook == "playbooks/logins.yml"
    assert (bundle_root() / request.playbook).is_file()
    assert request.variables == {"logins_asked": ["atlas", "atlas-2", "atlas_app", "atlas_app-2"]}
    environment = load_environment(Path("inventories/prod"))
    vault = open_vault(Path(".vault-password"))
    assert get_secret(environment, vault, "atlas", "database_password") not in told.output


@pytest.mark.usefixtures("server")
def test_a_second_one_before_the_first_is_finished_is_refused() -> None:
    assert invoke("atlas", "database").exit_code == 0
    refused = invoke("atlas", "database").exception
    assert isinstance(refused, UsageError)
    assert (str(refused), refused.hint) == (
        "The last rotation of atlas is not finished: atlas and atlas_app may still log in.",
        "Finish it first: roost up",
    )
    assert login() == "second"


def test_a_server_that_does_not_answer_leaves_the_vault_alone(server: Server) -> None:
    server.code = 4
    assert invoke("atlas", "database").exception
    with pytest.raises(UsageError, match="no secret database_login"):
        login()


def test_what_can_not_rotate_is_refused_before_a_run(server: Server) -> None:
    assert isinstance(invoke("atlas", "SECRET_KEY").exception, UsageError)
    assert server.requests == []
