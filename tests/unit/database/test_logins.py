"""Former logins are shut once nothing uses them, without PostgreSQL: the SQL itself is tried by molecule."""

import json
from typing import Any

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database import logins

from tests.support.modules import load_module
from tests.unit.backup.modules import run_module

module = load_module("postgresql_former_logins")

FORMER = [{"role": role, "application": role.partition("_")[0]} for role in ("atlas_app", "borea_app")]


class Server:
    """Its `opened` roles may log in, and `connected` ones do; `done` is what became of them."""

    def __init__(self) -> None:
        self.opened = ["atlas_app", "borea_app"]
        self.connected: list[dict[str, Any]] = []
        self.done: list[str] = []

    def sql(self, text: str, database: str = "postgres") -> str:
        if "rolcanlogin" in text:
            return json.dumps([role for role in self.opened if f"'{role}'" in text])
        if "client_addr" in text:
            return json.dumps([one for one in self.connected if f"'{one['role']}'" in text])
        self.done.append(f"{text} in {database}")
        return ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(module, "find_cluster", lambda: made)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *in_use: dict[str, str], check: bool = False) -> dict[str, Any]:
    return run_module(monkeypatch, module, {"former": FORMER, "in_use": list(in_use)}, check=check)


def test_a_login_that_nothing_uses_is_shut_before_its_sessions_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(monkeypatch, {"role": "atlas_app-2", "application": "atlas", "by": "atlas@blue.service"})
    assert (result["changed"], result["shut"], result["used"]) == (True, ["atlas_app", "borea_app"], {})
    assert [text.split(" FROM ")[0] for text in server.done[:2]] == [
        'ALTER ROLE "atlas_app" NOLOGIN PASSWORD NULL in postgres',
        "SELECT pg_terminate_backend(pid, 10000)",
    ]
    server.opened, server.done = [], []
    assert run(monkeypatch)["changed"] is False
    assert server.done == []


@pytest.mark.parametrize(
    ("use", "left"),
    [
        ({"role": "atlas_app", "application": "atlas"}, ["atlas_app"]),
        ({"role": "", "application": "atlas"}, ["atlas_app"]),
        ({"role": "", "application": ""}, ["atlas_app", "borea_app"]),
    ],
)
def test_one_in_use_or_perhaps_in_use_is_left_and_told_of(
    server: Server, monkeypatch: pytest.MonkeyPatch, use: dict[str, str], left: list[str]
) -> None:
    result = run(monkeypatch, use | {"by": "something on vm1"})
    assert list(result["used"]) == left
    assert not [text for text in server.done for role in left if f'"{role}"' in text]
    (warning,) = result["warnings"]
    assert "not finished" in warning
    assert "atlas_app (something on vm1)" in warning


def test_a_session_over_the_network_is_a_use(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.connected = [{"role": "borea_app", "pid": 7, "address": "10.0.0.9"}]
    result = run(monkeypatch)
    assert result["shut"] == ["atlas_app"]
    assert result["used"] == {"borea_app": ["session 7 from 10.0.0.9"]}


def test_a_check_takes_it_for_granted_that_everything_will_have_moved(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(monkeypatch, {"role": "", "application": "", "by": "vm1"}, check=True)
    assert result["shut"] == ["atlas_app", "borea_app"]
    assert server.done == []


def test_a_check_of_a_bare_host_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise BackupError("no cluster")

    monkeypatch.setattr(module, "find_cluster", missing)
    assert run(monkeypatch, check=True)["changed"] is False
    assert run(monkeypatch)["failed"] is True


def test_only_some_of_many_uses_are_named() -> None:
    told = logins.still_open({"atlas_app": [f"session {number}" for number in range(5)]})
    assert "session 2 and 2 more)" in told
