"""The module files_project: when the project is copied off-site, and what is remembered of it."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_files import project

from tests.support.modules import load_module
from tests.unit.backup.modules import run_module
from tests.unit.files.conftest import ENVIRONMENT, FakeRestic, repository_at

ABSENT = "Fatal: unable to open config file: Stat: The specified key does not exist.\n"
REFUSED = "Fatal: dial tcp 127.0.0.1:8333: connect: connection refused\n"


class Host:
    """A host with a repository of the project, which a `restic` answers for, and with the file to be copied."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.state, self.metrics = folder / "project.json", folder / "project.prom"
        self.file = folder / "project.vault"
        self.file.write_text("$ANSIBLE_VAULT;1.1;AES256\n1\n")
        self.repository = repository_at(folder, "project", ENVIRONMENT)
        self.module = load_module("files_project")
        monkeypatch.setattr(self.module, "Restic", lambda _: self.repository)
        monkeypatch.setattr(project, "load", partial(project.load, self.state))
        monkeypatch.setattr(project, "remember", partial(project.remember, file=self.state, metrics=self.metrics))
        monkeypatch.setattr(lock, "held", partial(lock.held, file=folder / "lock"))

    def run(self, *, check: bool = False, only_if_changed: bool = True) -> dict[str, Any]:
        given = {"path": str(self.file), "host": "vm1", "only_if_changed": only_if_changed}
        return run_module(self.monkeypatch, self.module, given, check=check)


@pytest.fixture
def host(tmp_path: Path, restic: FakeRestic, monkeypatch: pytest.MonkeyPatch) -> Host:
    assert restic.folder == tmp_path
    return Host(tmp_path, monkeypatch)


def outcome(result: dict[str, Any]) -> tuple[bool, bool]:
    return result["failed"], result.get("changed", False)


def test_an_empty_place_is_prepared_and_a_copy_made(host: Host, restic: FakeRestic) -> None:
    restic.answer("cat", stderr=ABSENT, code=1)
    assert outcome(host.run()) == (False, True)
    assert restic.calls() == ["cat", "init", "backup", "check", "forget"]
    assert f"--host=vm1 --tag=project -- {host.file}" in restic.arguments()
    assert "roost_project_last_success_timestamp_seconds 1" in host.metrics.read_text()
    assert (host.state.stat().st_mode & 0o777, host.metrics.stat().st_mode & 0o777) == (0o600, 0o644)


def test_what_was_copied_is_copied_again_only_if_it_or_its_place_changes(host: Host, restic: FakeRestic) -> None:
    host.run()
    asked = len(restic.calls())
    assert outcome(host.run()) == (False, False)
    assert len(restic.calls()) == asked
    host.file.write_text("$ANSIBLE_VAULT;1.1;AES256\n2\n")
    assert outcome(host.run()) == (False, True)
    host.repository.environment_file.write_text(ENVIRONMENT.replace("s3.test", "s4.test"))
    assert outcome(host.run()) == (False, True)
    assert outcome(host.run()) == (False, False)


def test_each_night_it_is_copied_and_examined_again(host: Host, restic: FakeRestic) -> None:
    host.run()
    assert outcome(host.run(only_if_changed=False)) == (False, True)
    assert restic.calls()[-5:] == ["cat", "unlock", "backup", "check", "forget"]


def test_a_server_that_was_never_in_use_must_answer(host: Host, restic: FakeRestic) -> None:
    restic.answer("cat", stderr=REFUSED, code=1)
    result = host.run()
    assert (result["failed"], result["msg"]) == (
        True,
        "The copy of the project failed: project: the server can't be reached",
    )
    assert not host.state.exists()


def test_one_that_was_in_use_may_be_out_of_reach_until_the_night(host: Host, restic: FakeRestic) -> None:
    host.run()
    host.file.write_text("$ANSIBLE_VAULT;1.1;AES256\n2\n")
    restic.answer("cat", stderr=REFUSED, code=1)
    result = host.run()
    assert outcome(result) == (False, False)
    assert result["warnings"] == ["The project is not copied until the night: project: the server can't be reached"]
    assert host.run(only_if_changed=False)["failed"]
    restic.answer("cat")
    assert outcome(host.run()) == (False, True)


def test_a_copy_that_is_damaged_fails(host: Host, restic: FakeRestic) -> None:
    restic.answer("check", "error: pack 12 is damaged\n", code=1)
    assert "project: the repository is damaged" in host.run(only_if_changed=False)["msg"]
    assert not host.state.exists()


def test_check_mode_foretells_it_and_does_nothing(host: Host, restic: FakeRestic) -> None:
    assert outcome(host.run(check=True)) == (False, True)
    assert restic.calls() == []
    host.run()
    assert outcome(host.run(check=True)) == (False, False)
    host.file.unlink()
    assert outcome(host.run(check=True)) == (False, True)
