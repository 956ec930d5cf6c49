"""A host on which the modules find a cluster, two repositories, a state and a lock of their own."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.roost_backup import lock, state
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.state import State

from tests.support.modules import load_module
from tests.unit.backup.made import FakeCluster, FakeRepository
from tests.unit.backup.modules import run_module

REPOSITORIES = [{"key": 1, "name": "local"}, {"key": 2, "name": "offsite"}]


class ModuleHost:
    """A host for the modules. `no_cluster` is why there is none, if so."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.cluster = FakeCluster(folder)
        self.no_cluster = ""
        self.local, self.offsite = FakeRepository("local"), FakeRepository("offsite")
        self.stanzas = 0
        self.cleared: list[FakeCluster] = []
        self.unprepared = ""
        self.state_file = folder / "state" / "state.json"
        self.lock_file = folder / "lock"
        # What modules find by these names.
        self.instead: dict[str, Any] = {
            "find_cluster": self.find_cluster,
            "PgBackRest": self.repository,
            "create_stanza": self.create_stanza,
            "remove_scratch": self.cleared.append,
        }

    def load(self, name: str) -> ModuleType:
        """Return the module, at home on this host."""
        module = load_module(name)
        for what, instead in self.instead.items():
            if hasattr(module, what):
                self.monkeypatch.setattr(module, what, instead)
        return module

    def run(self, name: str, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """Run the module with these arguments over both repositories."""
        given = {"repositories": REPOSITORIES} | arguments
        return run_module(self.monkeypatch, self.load(name), given, check=check)

    def find_cluster(self) -> FakeCluster:
        if self.no_cluster:
            raise BackupError(self.no_cluster)
        return self.cluster

    def repository(self, key: int, name: str) -> FakeRepository:
        found = {1: self.local, 2: self.offsite}[key]
        assert found.name == name
        return found

    def create_stanza(self) -> None:
        if self.unprepared:
            raise BackupError(self.unprepared)
        self.stanzas += 1

    def remembered(self) -> State:
        return state.load()

    def remember(self, **what: Any) -> None:
        with state.changed() as known:
            vars(known).update(what)

    def locked(self) -> Any:
        return lock.held("backup")


@pytest.fixture
def module_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleHost:
    host = ModuleHost(tmp_path, monkeypatch)
    load: Callable[[], State] = partial(state.load, host.state_file)
    monkeypatch.setattr(state, "changed", partial(state.changed, host.state_file, tmp_path / "state" / "roost.prom"))
    # `changed` itself finds it by this name.
    monkeypatch.setattr(state, "load", lambda *_: load())
    monkeypatch.setattr(lock, "held", partial(lock.held, file=host.lock_file))
    return host
