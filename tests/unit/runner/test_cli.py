import json
import multiprocessing
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from roost import cli
from roost.cli import running
from roost.cli.environments import find_inventory, known_environments, locked
from roost.errors import InvalidDeclaration, Locked, TaskFailed, UsageError
from roost.paths import bundle_root
from roost.runner import RunRequest, RunResult


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder after `roost init`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROOST_ENV", raising=False)
    assert invoke("init").exit_code == 0
    stack = tmp_path / "inventories/prod/group_vars/all/stack.yml"
    app = {"name": "shop", "framework": "django", "domains": ["shop.test"], "wsgi": "shop.wsgi"}
    app["source"] = {"git": "https://git.example.com/shop.git", "version": "v1"}
    stack.write_text(yaml.safe_dump({"stack": {"acme_email": "ops@example.com", "apps": [app]}}))
    return tmp_path


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


def test_init_copies_the_example_and_keeps_secrets_out_of_git(project: Path) -> None:
    hosts = "inventories/prod/hosts.yml"
    assert (project / hosts).read_text() == (bundle_root() / "inventories/example/hosts.yml").read_text()
    assert ".vault-password" in (project / ".gitignore").read_text().splitlines()


def test_init_touches_nothing_that_exists(project: Path) -> None:
    result = invoke("init")
    assert isinstance(result.exception, UsageError)
    invoke("init", "--name", "staging")
    assert known_environments(Path("inventories")) == ["prod", "staging"]
    assert (project / ".gitignore").read_text().count(".vault-password") == 1


def test_deploy_key_prints_the_public_half_and_nothing_else(project: Path) -> None:
    stack = project / "inventories/prod/group_vars/all/stack.yml"
    declared = stack.read_text().replace(
        "git: https://git.example.com/shop.git", "git: git@git.example.com:shop.git\n      deploy_key: true"
    )
    stack.write_text(declared)
    first, second = invoke("deploy-key", "shop", "-e", "prod"), invoke("deploy-key", "shop", "-e", "prod")
    assert re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/=]+ shop\n", first.output)
    assert second.output == first.output
    assert (project / "inventories/prod/group_vars/all/vault.yml").read_text().startswith("$ANSIBLE_VAULT")


def test_backup_key_prints_the_public_half_and_nothing_else(project: Path) -> None:
    stack = project / "inventories/prod/group_vars/all/stack.yml"
    place = "{host: backup.example.com, user: roost, path: /b, host_keys: [ssh-ed25519 " + "A" * 68 + "]}"
    stack.write_text(stack.read_text().replace("stack:\n", f"stack:\n  backups: {{offsite: {{sftp: {place}}}}}\n"))
    first, second = invoke("backup-key", "-e", "prod"), invoke("backup-key", "-e", "prod")
    assert re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/=]+ roost-prod\n", first.output)
    assert second.output == first.output
    assert (project / "inventories/prod/group_vars/all/vault.yml").read_text().startswith("$ANSIBLE_VAULT")


@pytest.mark.usefixtures("project")
def test_check_says_what_is_declared() -> None:
    result = invoke("check", "-e", "prod")
    assert result.exit_code == 0
    assert "app   shop  shop.test" in result.output
    data = json.loads(invoke("check", "-e", "prod", "--json").stdout)
    assert data["ok"] is True
    assert data["apps"] == [{"name": "shop", "domains": ["shop.test"]}]


def test_check_lists_problems_as_json_too(project: Path) -> None:
    stack = project / "inventories/prod/group_vars/all/stack.yml"
    stack.write_text(stack.read_text().replace("django", "jango"))
    result = invoke("check", "-e", "prod", "--json")
    assert isinstance(result.exception, InvalidDeclaration)
    data = json.loads(result.stdout)
    assert data["ok"] is False
    assert data["problems"][0]["key"] == "stack.apps[0].framework"


def test_an_environment_is_a_name_or_a_path_or_comes_from_the_variable(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_inventory("prod") == Path("inventories/prod")
    assert find_inventory("inventories/prod/") == Path("inventories/prod")
    assert find_inventory(str(project / "inventories/prod/hosts.yml")) == project / "inventories/prod"
    monkeypatch.setenv("ROOST_ENV", "prod")
    assert invoke("check").exit_code == 0


@pytest.mark.usefixtures("project")
def test_an_unknown_environment_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "prod"') as caught:
        find_inventory("pord")
    assert caught.value.hint == "There is: prod."
    with pytest.raises(UsageError, match="No environment was named") as caught:
        find_inventory("")
    assert caught.value.hint == "Say which: -e prod."


def test_a_project_without_environments_is_told_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        find_inventory("prod")
    assert "roost init" in caught.value.hint


def _hold(inventory: Path, ready: Any, done: Any) -> None:
    with locked(inventory):
        ready.set()
        done.wait(30)


def test_a_second_run_finds_the_lock_held(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(Locked), locked(tmp_path):
            pass
    finally:
        done.set()
        other.join()
    with locked(tmp_path):
        pass


@pytest.mark.usefixtures("project")
def test_deploy_refuses_an_unknown_application_before_it_runs() -> None:
    result = invoke("deploy", "-e", "prod", "--app", "shpo")
    assert isinstance(result.exception, UsageError)
    assert 'Did you mean "shop"' in str(result.exception)


@pytest.fixture
def requests(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """The playbook runs that the commands ask for; none is carried out."""
    assert project
    asked: list[RunRequest] = []

    def run(request: RunRequest, _: object) -> RunResult:
        asked.append(request)
        return RunResult(0, False, 0.1)

    monkeypatch.setattr(running, "run", run)
    return asked


def test_a_version_is_of_one_application(requests: list[RunRequest]) -> None:
    assert invoke("deploy", "-e", "prod", "--version", "feature/x").exit_code == 0
    assert requests[0].variables == {"app_deploy": ["shop"], "app_version": "feature/x"}
    assert isinstance(invoke("deploy", "-e", "prod", "--version", "--upload-pack").exception, UsageError)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("source", "version", "told"),
    [
        ({"path": "."}, "v2", "deployed from a folder"),
        ({"pypi": "shop==1.0"}, "main", "can't be a version"),
        ({"git": "https://git.example.com/shop.git", "version": "v1"}, "-x", "can't be a tag"),
    ],
)
def test_a_version_that_the_source_can_not_have_is_refused(
    project: Path, requests: list[RunRequest], source: dict[str, str], version: str, told: str
) -> None:
    stack = project / "inventories/prod/group_vars/all/stack.yml"
    data = yaml.safe_load(stack.read_text())
    data["stack"]["apps"][0] |= {"source": source, "settings": "shop.settings"}
    (project / "requirements.txt").touch()
    stack.write_text(yaml.safe_dump(data))
    result = invoke("deploy", "-e", "prod", f"--version={version}")
    assert isinstance(result.exception, UsageError)
    assert told in str(result.exception)
    assert requests == []


def test_rollback_is_of_the_only_application(requests: list[RunRequest]) -> None:
    assert invoke("rollback", "-e", "prod").exit_code == 0
    assert invoke("rollback", "-e", "prod", "--to", "3f2a9c1d7e55").exit_code == 0
    assert [request.variables["app_rollback_to"] for request in requests] == ["", "3f2a9c1d7e55"]
    assert requests[0].variables["app_rollback"] == ["shop"]
    assert isinstance(invoke("rollback", "-e", "prod", "--to", "../x").exception, UsageError)
    assert invoke("rollback", "-e", "prod", "--allow-schema-mismatch").exit_code == 0
    assert [request.variables["app_allow_schema_mismatch"] for request in requests] == [False, False, True]


def test_deploy_can_be_tried_without_doing_it(requests: list[RunRequest]) -> None:
    assert invoke("deploy", "-e", "prod", "--check").exit_code == 0
    assert [request.check for request in requests] == [True]


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "{{ lookup('pipe', 'id') }}", "x" * 201])
def test_a_lock_needs_a_reason_that_others_can_read(requests: list[RunRequest], reason: str) -> None:
    assert isinstance(invoke("lock", "-e", "prod", "--reason", reason).exception, UsageError)
    assert requests == []


def test_lock_and_unlock_name_applications(requests: list[RunRequest]) -> None:
    assert invoke("lock", "-e", "prod", "--reason", " the database moves ").exit_code == 0
    assert invoke("unlock", "-e", "prod", "--app", "shop").exit_code == 0
    assert requests[0].variables == {"app_named": [], "app_lock_reason": "the database moves"}
    assert requests[1].variables == {"app_named": ["shop"]}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--app", "shpo"], 'Did you mean "shop"'),
        (["--allow", "203.0.113.0/99"], "203.0.113.0/99"),
        (["--allow", "203.0.113.7/24"], "has host bits set"),
        (["--allow", "office"], "office"),
    ],
)
def test_maintenance_refuses_what_it_does_not_know_before_it_runs(options: list[str], message: str) -> None:
    result = invoke("maintenance", "on", "-e", "prod", *options)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_a_secret_comes_from_standard_input(project: Path) -> None:
    stack = project / "inventories/prod/group_vars/all/stack.yml"
    data = yaml.safe_load(stack.read_text())
    data["stack"]["apps"][0]["secrets"] = ["MAPS_TOKEN"]
    stack.write_text(yaml.safe_dump(data))
    result = CliRunner().invoke(cli.app, ["secrets", "set", "shop", "MAPS_TOKEN", "-e", "prod"], input="s3cret\n")
    assert result.exit_code == 0, result.exception
    assert "s3cret" not in result.output
    vault = project / "inventories/prod/group_vars/all/vault.yml"
    assert vault.read_text().startswith("$ANSIBLE_VAULT")
    assert (project / ".vault-password").stat().st_mode & 0o777 == 0o600
    shown = CliRunner().invoke(cli.app, ["secrets", "show", "shop", "MAPS_TOKEN", "-e", "prod"])
    assert shown.output == "s3cret\n"


def test_main_turns_an_error_into_a_message_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise TaskFailed("nginx: Reload failed on vm1.", hint="Mend it.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 5
    assert capsys.readouterr().err == "Error: nginx: Reload failed on vm1.\nMend it.\n"


def test_the_program_runs() -> None:
    program = Path(sys.executable).parent / "roost"
    done = subprocess.run([program, "check", "-e", "nowhere"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: There is no environment nowhere")
