"""The module files_restore: which snapshot it takes, and that nothing happens unasked."""

import getpass
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup import lock

from tests.support.modules import load_module
from tests.unit.backup.modules import run_module
from tests.unit.files.conftest import ENVIRONMENT, FakeRestic, repository_at

NAME = getpass.getuser()
SNAPSHOTS = [
    {"time": f"2026-11-{day}T02:30:00Z", "paths": [], "hostname": "vm1", "tags": [NAME], "short_id": f"{day}{day}0000"}
    for day in (26, 27)
]


class Host:
    """A host with two repositories, both answered by the same `restic`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.media = folder / "media"
        self.media.mkdir()
        self.monkeypatch = monkeypatch
        self.module = load_module("files_restore")
        monkeypatch.setattr(
            self.module,
            "repositories_of",
            lambda given: [repository_at(folder, n, ENVIRONMENT) for n in given["repositories"]],
        )
        monkeypatch.setattr(lock, "held", partial(lock.held, file=folder / "lock"))

    def run(self, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"repositories": ["local", "offsite"], "name": NAME, "path": str(self.media)} | arguments
        return run_module(self.monkeypatch, self.module, given, check=check)


@pytest.fixture
def host(tmp_path: Path, restic: FakeRestic, monkeypatch: pytest.MonkeyPatch) -> Host:
    restic.answer("snapshots", json.dumps(SNAPSHOTS))
    restic.answer("stats", '{"total_size":5242880,"total_file_count":3}')
    return Host(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "snapshot 27270000 of local, made at 2026-11-27T02:30:00Z: 3 files and folders, 5.0 MiB."),
        ({"to": "2026-11-27 00:00:00+00"}, "snapshot 26260000 of local"),
        ({"label": "26260000", "source": "offsite"}, "snapshot 26260000 of offsite"),
    ],
)
def test_it_tells_what_would_come_back(host: Host, restic: FakeRestic, asked: dict[str, Any], told: str) -> None:
    assert told in host.run(check=True, **asked)["told"][0]
    refused = host.run(**asked)
    assert refused["failed"]
    assert told in refused["msg"]
    assert "Nothing was done: agree with" in refused["msg"]
    assert "restore" not in restic.calls()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"source": "tape"}, "there is no repository tape; there are: local, offsite"),
        ({"label": "00000000"}, f"there is no snapshot 00000000 of the files of {NAME} in local, offsite"),
        ({"to": "2026-01-01 00:00:00+00", "source": "local"}, f"no fitting snapshot of the files of {NAME} in local"),
        ({"to": "yesterday"}, "yesterday is not a moment"),
        ({"to": "2026-01-05 12:00:00"}, "2026-01-05 12:00:00 names no zone, as 2026-11-26 14:05:00+00 does"),
        ({"name": "nobody-else"}, "there is no fitting snapshot"),
    ],
)
def test_what_is_not_there_is_told(host: Host, asked: dict[str, Any], problem: str) -> None:
    result = host.run(check=True, **asked)
    assert result["failed"]
    assert problem in result["msg"]


def test_a_repository_that_is_down_is_told_when_none_has_it(host: Host, restic: FakeRestic) -> None:
    restic.answer("cat", stderr="Fatal: dial tcp: connect: connection refused\n", code=1)
    message = host.run(check=True)["msg"]
    assert message.count("the server can't be reached") == 2


def test_undo_and_confirm_are_asked_for_too(host: Host) -> None:
    (host.media / "new").touch()
    kept = host.media.with_name("media.before-20261126T000000Z")
    kept.mkdir()
    assert host.run(check=True, action="undo")["told"] == [f"Kept aside: {kept}."]
    assert host.run(action="undo")["failed"]
    undone = host.run(action="undo", confirmed=True)
    assert (Path(undone["kept"]) / "new").exists()
    assert host.run(action="confirm", confirmed=True)["told"] == [f"Removed {undone['kept']}."]
    assert host.run(action="confirm", confirmed=True)["told"] == ["Nothing was kept aside."]
