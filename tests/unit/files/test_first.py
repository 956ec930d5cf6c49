"""The first backup of files, which site.yml makes: what it covers, and what it leaves alone."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_files import first, state

from tests.support.modules import load_module
from tests.unit.backup.modules import run_module
from tests.unit.files.conftest import ENVIRONMENT, FakeRestic, repository_at

REFUSED = "Fatal: dial tcp 127.0.0.1:8333: connect: connection refused\n"


class Host:
    """A host with two repositories, both answered by the same `restic`, and with two sets of files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.module = load_module("files_backup")
        self.paths = {name: folder / name for name in ("atlas", "flock")}
        for path in self.paths.values():
            path.mkdir()
        monkeypatch.setattr(
            self.module,
            "repositories_of",
            lambda given: [repository_at(folder, n, ENVIRONMENT) for n in given["repositories"]],
        )
        monkeypatch.setattr(lock, "held", partial(lock.held, file=folder / "lock"))
        load = state.load
        monkeypatch.setattr(state, "load", lambda file=folder / "files.json": load(file))

    def run(self, *repositories: str, check: bool = False) -> dict[str, Any]:
        given = {
            "repositories": list(repositories) or ["local", "offsite"],
            "host": "vm1",
            "sets": [{"name": name, "paths": [str(path)]} for name, path in self.paths.items()],
            "only_the_first": True,
        }
        return run_module(self.monkeypatch, self.module, given, check=check)


@pytest.fixture
def host(tmp_path: Path, restic: FakeRestic, monkeypatch: pytest.MonkeyPatch) -> Host:
    assert restic.folder == tmp_path
    return Host(tmp_path, monkeypatch)


def made(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["repository"], one["name"]) for one in result["files"]]


BOTH = [(place, name) for place in ("local", "offsite") for name in ("atlas", "flock")]


def test_all_is_backed_up_once_and_then_no_repository_is_asked(host: Host, restic: FakeRestic) -> None:
    result = host.run()
    assert (result["failed"], result["changed"], result["warnings"], made(result)) == (False, True, [], BOTH)
    asked = len(restic.calls())
    again = host.run()
    assert (again["failed"], again["changed"], again["files"]) == (False, False, [])
    assert len(restic.calls()) == asked


def test_a_repository_and_a_set_that_are_new(host: Host, known: Callable[[], Any]) -> None:
    late = host.paths.pop("flock")
    assert made(host.run("local")) == [("local", "atlas")]
    assert made(host.run()) == [("offsite", "atlas")]
    host.paths["flock"] = late
    result = host.run()
    assert {("local", "flock"), ("offsite", "flock")} <= set(made(result))
    assert {place: sorted(sets) for place, sets in known().repositories.items()} == {
        "local": ["atlas", "flock"],
        "offsite": ["atlas", "flock"],
    }


def test_a_folder_that_is_not_there_yet_is_waited_for_and_one_that_is_gone_is_not_forgotten(
    host: Host, known: Callable[[], Any]
) -> None:
    host.paths["flock"].rmdir()
    assert made(host.run("local")) == [("local", "atlas")]
    host.paths["atlas"].rename(host.folder / "elsewhere")
    host.paths["flock"].mkdir()
    assert made(host.run("local")) == [("local", "flock")]
    assert sorted(known().repositories["local"]) == ["atlas", "flock"]


def test_the_backups_of_a_host_before_stay_the_newest(host: Host, restic: FakeRestic) -> None:
    snapshot = {"time": "2026-11-26T02:30:00Z", "paths": [], "hostname": "vm1", "tags": ["atlas"], "short_id": "1"}
    restic.answer("snapshots", json.dumps([snapshot]))
    result = host.run()
    assert made(result) == [("local", "flock"), ("offsite", "flock")]
    assert result["warnings"][0].startswith("There are backups of atlas that this host did not make. Restore")
    host.paths.pop("flock")
    assert host.run()["changed"] is False


def test_much_is_left_to_the_night(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    (host.paths["atlas"] / "upload").write_bytes(b"12345")
    monkeypatch.setattr(first, "SMALL_BYTES", 4)
    assert host.run()["changed"] is False
    monkeypatch.setattr(first, "SMALL_BYTES", 5)
    assert host.run()["changed"] is True


def test_a_repository_that_was_never_in_use_must_answer(host: Host, restic: FakeRestic) -> None:
    restic.answer("cat", stderr=REFUSED, code=1)
    result = host.run()
    assert (result["failed"], result["msg"]) == (True, "The backup of files failed: local: the server can't be reached")


def test_a_repository_that_was_in_use_may_be_out_of_reach(host: Host, restic: FakeRestic) -> None:
    late = host.paths.pop("flock")
    host.run()
    host.paths["flock"] = late
    restic.answer("cat", stderr=REFUSED, code=1)
    result = host.run()
    assert (result["failed"], result["changed"]) == (False, False)
    assert result["warnings"][1] == "The repository can't be reached: offsite: the server can't be reached"


def test_check_mode_foretells_it_and_does_nothing(host: Host, restic: FakeRestic) -> None:
    assert host.run(check=True)["changed"] is True
    assert "backup" not in restic.calls()
    host.run()
    assert host.run(check=True)["changed"] is False


def test_check_mode_on_a_bare_host_expects_a_first_backup(host: Host, restic: FakeRestic) -> None:
    restic.answer("cat", stderr=REFUSED, code=1)
    result = host.run(check=True)
    assert (result["failed"], result["changed"]) == (False, True)
