"""What is done around the release commands: a dump if migrations wait, a record whatever comes of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_app import database
from ansible.module_utils.roost_app import release_commands as module
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.migrations import READ_ONLY, Migrations
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.release_commands import ReleaseCommands
from ansible.module_utils.roost_app.schema import record, unknown_to


@dataclass
class Database:
    """Has migrations, and applies all that wait when the command `migrate` is run, unless it fails with `failure`."""

    applied: list[str]
    pending: list[str]
    failure: str = ""
    seen: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)

    def run(self, command: str, *_: object, pgoptions: str) -> str:
        self.seen.append(command)
        self.options.append(pgoptions)
        if self.failure:
            raise ReleaseError(self.failure)
        self.applied, self.pending = [*self.applied, *self.pending], []
        return ""

    def listed(self, *_: object, pgoptions: str) -> Migrations:
        self.seen.append("list")
        self.options.append(pgoptions)
        return Migrations(list(self.applied), list(self.pending))

    def dump(self, *_: object, **__: object) -> Path:
        self.seen.append("dump")
        return Path("/var/backups/roost/atlas/now.dump")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Database:
    server = Database(["a.1"], ["a.2"])
    monkeypatch.setattr(module, "run_in_release", server.run)
    monkeypatch.setattr(module, "list_migrations", server.listed)
    monkeypatch.setattr(database, "dump", server.dump)
    monkeypatch.setattr(database, "lock_holders", lambda *_: ["process 7 (psql) holds locks on a"])
    return server


def commands(paths: AppPaths, **changes: Any) -> ReleaseCommands:
    given = {
        "commands": ["migrate"],
        "listing": "list",
        "lock_timeout": 10,
        "lift_time_limits": False,
        "backups": 3,
    } | changes
    return ReleaseCommands(attempt=Attempt.of_built(paths, "two", "anna"), **given)


def test_pending_migrations_are_dumped_applied_and_recorded(paths: AppPaths, server: Database) -> None:
    told = commands(paths).run()
    assert server.seen == ["list", "dump", "migrate", "list"]
    assert (told["applied"], told["unknown"]) == (["a.2"], [])
    assert told["told"][-1] == "atlas: the database of before is in /var/backups/roost/atlas/now.dump."
    assert unknown_to(paths, ["a.1"]) == ["a.2"]
    assert set(server.options) == {"-c lock_timeout=10s"}


def test_nothing_is_dumped_or_told_if_nothing_waits(paths: AppPaths, server: Database) -> None:
    server.pending = []
    assert commands(paths).run()["told"] == []
    assert server.seen == ["list", "migrate"]


def test_without_a_listing_the_dump_is_made_and_nothing_is_recorded(paths: AppPaths, server: Database) -> None:
    commands(paths, listing="", lock_timeout=0).run()
    assert server.seen == ["dump", "migrate"]
    assert server.options == [""]
    assert not paths.schema.exists()


@pytest.mark.parametrize("lock_timeout", [0, 10])
def test_the_time_limits_of_the_application_are_lifted(paths: AppPaths, server: Database, lock_timeout: int) -> None:
    commands(paths, lock_timeout=lock_timeout, lift_time_limits=True).run()
    lifted = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
    assert set(server.options) == {f"-c lock_timeout={lock_timeout}s {lifted}"}


def test_looking_is_read_only_and_leaves_nothing(paths: AppPaths, server: Database) -> None:
    assert commands(paths).look()["pending"] == ["a.2"]
    assert server.seen == ["list"]
    assert READ_ONLY in server.options[0]
    assert not paths.schema.exists()


def test_a_lock_is_told_with_those_who_hold_it(paths: AppPaths, server: Database) -> None:
    server.failure = "`migrate` failed with exit code 1:\ncanceling statement due to lock timeout"
    with pytest.raises(ReleaseError) as raised:
        commands(paths).run()
    assert str(raised.value).splitlines() == [
        "atlas: release two does not go live: `migrate` waited 10 s for a lock of the database and gave up",
        "process 7 (psql) holds locks on a",
        "It brings these migrations: a.2",
    ]
    assert raised.value.reason == "`migrate` waited 10 s for a lock of the database and gave up"
    assert unknown_to(paths, ["a.1"]) == []


def test_a_killed_deploy_leaves_what_it_began(
    paths: AppPaths, server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_in_release", kill)
    with pytest.raises(KeyboardInterrupt):
        commands(paths).run()
    assert unknown_to(paths, ["a.1"]) == ["a.2"]
    assert server.pending == ["a.2"]


def test_an_older_release_is_warned_of(paths: AppPaths, server: Database) -> None:
    record(paths, "one", Migrations(["a.1", "a.2", "a.3"]))
    assert commands(paths).run()["unknown"] == ["a.3"]
    assert server.seen[0] == "list"
