"""What goes and what stands against it, without PostgreSQL: the SQL itself is tried by molecule."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup import dumps, lock
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_database import removal

from tests.support.modules import load_module
from tests.unit.backup.modules import run_module

module = load_module("postgresql_removal")


class Server:
    """It holds databases and roles, and what belongs to the roles elsewhere; `done` is what became of them."""

    def __init__(self) -> None:
        self.databases = {"old"}
        self.roles = {"old"}
        self.belonging: list[dict[str, Any]] = []
        self.done: list[str] = []
        self.refused = ""

    def sql(self, text: str, database: str = "postgres") -> str:
        if "json_agg(datname" in text:
            return json.dumps({"databases": sorted(self.databases), "roles": sorted(self.roles)})
        if "pg_shdepend" in text:
            return json.dumps(self.belonging)
        if "pg_describe_object" in text:
            return json.dumps(f"table {text.rpartition('(')[2].partition(',')[0]}")
        if "datconnlimit" in text:
            return "-1"
        if self.refused and self.refused in text:
            raise BackupError("refused")
        self.done.append(f"{text} in {database}" if database != "postgres" else text)
        if text.startswith("DROP"):
            {"DATABASE": self.databases, "ROLE": self.roles}[text.split()[1]].discard(text.split('"')[1])
        return ""

    def write(self, _: object, database: str, folder: Path) -> Path:
        self.sql(f"dump {database}")
        return folder / f"{database}.dump"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    made = Server()
    monkeypatch.setattr(module, "find_cluster", lambda: made)
    monkeypatch.setattr(dumps, "write", made.write)
    held: Callable[..., Any] = lock.held
    monkeypatch.setattr(lock, "held", lambda what: held(what, tmp_path / "lock"))
    return made


def run(monkeypatch: pytest.MonkeyPatch, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    return run_module(monkeypatch, module, {"databases": ["old"], "roles": ["old"]} | arguments, check=check)


def test_without_a_word_it_only_tells(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch)
    assert (result["failed"], result["changed"], server.done) == (False, False, [])
    (warning,) = result["warnings"]
    assert "to be removed: the database old, the role old. `roost up --remove-databases`" in warning


def test_nobody_writes_after_the_dump_and_nothing_goes_before_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(monkeypatch, remove=True)
    assert [step.split(" FROM ")[0] for step in server.done] == [
        'ALTER DATABASE "old" CONNECTION LIMIT 0',
        "SELECT pg_terminate_backend(pid, 10000)",
        "dump old",
        'DROP DATABASE "old" WITH (FORCE)',
        'DROP ROLE "old"',
    ]
    assert result["changed"]
    assert result["dumps"] == [f"{removal.FOLDER}/old.dump"]
    assert result["dumps"][0] in result["warnings"][0]


def test_what_is_gone_changes_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.databases, server.roles = set(), set()
    for remove in (False, True):
        result = run(monkeypatch, remove=remove)
        assert (result["changed"], result["warnings"], server.done) == (False, [], [])


def test_a_check_removes_nothing_and_needs_no_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, check=True, remove=True)["changed"]
    assert server.done == []

    def missing() -> None:
        raise BackupError("no cluster")

    monkeypatch.setattr(module, "find_cluster", missing)
    assert not run(monkeypatch, check=True, remove=True)["changed"]
    assert run(monkeypatch, remove=True)["msg"] == "no cluster"


@pytest.mark.parametrize("refused", ["dump", "DROP DATABASE"])
def test_a_database_that_can_not_go_is_open_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    server.refused = refused
    result = run(monkeypatch, remove=True)
    assert result["msg"] == "The database old was not removed: refused"
    assert server.done[-1] == 'ALTER DATABASE "old" CONNECTION LIMIT -1'
    assert server.databases == server.roles == {"old"}


def test_the_dumps_are_told_even_if_a_later_step_fails(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.refused = "DROP ROLE"
    result = run(monkeypatch, remove=True)
    assert result["failed"]
    assert f"{removal.FOLDER}/old.dump" in result["msg"]


def belonging(number: int, *, owned: bool = True, database: str | None = "atlas") -> dict[str, Any]:
    return {"role": "old", "database": database, "class": number, "object": 1, "part": 0, "owned": owned}


def test_a_role_stays_with_what_it_owns_and_so_does_everything_else(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.belonging = [belonging(1), belonging(2, owned=False), belonging(3, database=None)]
    result = run(monkeypatch, remove=True)
    assert (
        "Nothing was removed: the role old still has table 1 in atlas, rights on table 2 in atlas, table 3."
        in (result["msg"])
    )
    assert 'REASSIGN OWNED BY "old"' in result["msg"]
    assert server.done == []
    assert run(monkeypatch, check=True, remove=True)["failed"]
    told = run(monkeypatch)
    assert not told["failed"]
    assert "still has table 1 in atlas" in told["warnings"][0]


def test_of_many_things_the_first_are_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.belonging = [belonging(number) for number in range(8)]
    assert "table 4 in atlas and 3 more. As" in run(monkeypatch, remove=True)["msg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"databases": ["atlas"]}, "atlas is declared and to be removed"),
        ({"roles": ["atlas"]}, "atlas is declared and to be removed"),
        ({"databases": ["template1"]}, "template1 belongs to PostgreSQL itself"),
        ({"roles": ["pg_monitor"]}, "pg_monitor belongs to PostgreSQL itself"),
        ({"roles": ['x"; DROP ROLE y']}, "is no plain name"),
    ],
)
def test_some_names_are_never_removed(
    server: Server, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], message: str
) -> None:
    result = run(monkeypatch, declared=["atlas"], remove=True, **arguments)
    assert message in result["msg"]
    assert server.done == []
