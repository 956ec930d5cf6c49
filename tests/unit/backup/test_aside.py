"""Restores aside: the drill, and one database beside the present ones, over a cluster that only answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup import beside as beside_module
from ansible.module_utils.roost_backup import drill as drill_module
from ansible.module_utils.roost_backup.beside import Beside
from ansible.module_utils.roost_backup.choice import Choice
from ansible.module_utils.roost_backup.drill import Drill
from ansible.module_utils.roost_backup.errors import BackupError

from tests.unit.backup.made import FakeCluster, FakeRepository, full

BACKUP = full(0)
TABLES = ["public.notes", 'public."Odd"']


class FakeScratch:
    """A cluster beside the real one that has `names` and answers as `answers` says."""

    names: list[str]
    answers: dict[str, str]
    committed: float
    events: list[str]

    def __init__(self, real: FakeCluster, memory_mb: int) -> None:
        self.real, self.memory_mb = real, memory_mb
        self.folder = real.data.with_name("roost-scratch")
        self.socket = str(self.folder)
        self.cluster = self
        self.port = 5439

    @contextmanager
    def prepared(self) -> Iterator[None]:
        self.folder.mkdir()
        self.events.append("prepared")
        try:
            yield
        finally:
            self.events.append("removed")

    def start(self) -> None:
        assert (self.folder / "what").read_text() == "restored\n"
        self.events.append("start")

    def databases(self, socket: str) -> list[str]:
        assert socket == self.socket
        return self.names

    def last_commit(self, socket: str) -> float:
        assert socket == self.socket
        return self.committed

    def sql(self, text: str, _: str = "postgres") -> str:
        return self.answers.get(text.strip(), "\n".join(TABLES) if "pg_stat_user_tables" in text else "3")

    def run_limited(self, argv: Sequence[str]) -> str:
        self.events.append(" ".join(argv))
        if "amcheck" in argv[0] and "amcheck" in self.answers:
            raise BackupError(self.answers["amcheck"])
        return ""


@pytest.fixture
def cluster(tmp_path: Path) -> FakeCluster:
    return FakeCluster(tmp_path)


@pytest.fixture
def scratch(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> type[FakeScratch]:
    told = {"names": ["atlas", "postgres"], "answers": {}, "committed": cluster.committed - 7.4, "events": []}
    fake = type("Fake", (FakeScratch,), told)
    monkeypatch.setattr(drill_module, "Scratch", fake)
    monkeypatch.setattr(beside_module, "Scratch", fake)
    return fake


# --- the drill ------------------------------------------------------------------------------------------------


def drill(cluster: FakeCluster, *assertions: str, broken: Sequence[str] = ()) -> dict[str, Any]:
    repository = FakeRepository("offsite", backups=[full(-1), BACKUP])
    result: dict[str, Any] = Drill(cluster, repository, broken, {"atlas": assertions}, 512).do()
    return result


def test_a_drill_restores_the_newest_backup_and_looks_at_it(cluster: FakeCluster, scratch: type[FakeScratch]) -> None:
    scratch.answers["SELECT true"] = "t"
    result = drill(cluster, "SELECT true")
    assert (result["backup"], result["repository"], result["rpo_seconds"]) == (BACKUP.label, "offsite", 7)
    assert result["checks"] == [
        "atlas: 6 rows in its 2 largest tables can be read",
        "pg_amcheck finds no damage in any table or index",
        "atlas: SELECT true",
    ]
    socket = cluster.data.with_name("roost-scratch")
    amcheck = f"/bin/pg_amcheck --all --install-missing --host={socket} --port=5439"
    assert scratch.events == ["prepared", "start", amcheck, "removed"]
    assert cluster.what == "before"


def test_what_is_not_lost_is_no_loss(cluster: FakeCluster, scratch: type[FakeScratch]) -> None:
    scratch.committed = cluster.committed + 5
    assert drill(cluster)["rpo_seconds"] == 0


def test_a_broken_backup_is_not_drilled(cluster: FakeCluster, scratch: type[FakeScratch]) -> None:
    assert drill(cluster, broken=[BACKUP.label])["backup"] == full(-1).label
    assert scratch.events[-1] == "removed"


@pytest.mark.parametrize(("answer", "said"), [("f", "f"), ("", "nothing"), ("1", "1")])
def test_what_is_not_true_fails_the_drill(
    cluster: FakeCluster, scratch: type[FakeScratch], answer: str, said: str
) -> None:
    scratch.answers["SELECT 1 = 2"] = answer
    with pytest.raises(BackupError) as raised:
        drill(cluster, "SELECT 1 = 2")
    assert str(raised.value) == f"in the restored atlas, `SELECT 1 = 2` says {said} instead of true"
    assert scratch.events[-1] == "removed"


def test_damage_fails_the_drill(cluster: FakeCluster, scratch: type[FakeScratch]) -> None:
    scratch.answers["amcheck"] = "heap table atlas.public.notes, block 0: corrupt"
    with pytest.raises(BackupError, match="block 0: corrupt"):
        drill(cluster)
    assert scratch.events[-1] == "removed"


# --- beside ---------------------------------------------------------------------------------------------------


class Programs:
    """PostgreSQL's programs, of which one may fail."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.failing = ""

    def __call__(self, argv: Sequence[str]) -> str:
        self.ran.append(list(argv))
        if argv[0] == self.failing:
            raise BackupError("out of room")
        return ""

    def names(self) -> list[str]:
        return [argv[0].removeprefix("/bin/") for argv in self.ran]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    programs = Programs()
    monkeypatch.setattr(beside_module, "run_as_postgres", programs)
    return programs


def restore(cluster: FakeCluster, *, table: str = "", database: str = "atlas") -> None:
    repository = FakeRepository("local", backups=[BACKUP])
    Beside(cluster, database, "old", table, 512).restore(repository, Choice("local", BACKUP, 1), "")


@pytest.mark.parametrize(("table", "options"), [("", []), ("public.notes", ["--table=public.notes"])])
def test_a_database_or_a_table_is_copied(
    cluster: FakeCluster, scratch: type[FakeScratch], programs: Programs, table: str, options: list[str]
) -> None:
    scratch.answers[beside_module.OWNER.format("atlas")] = "anna"
    restore(cluster, table=table)
    dump, create, load = programs.ran
    folder = cluster.data.with_name("roost-scratch")
    dumped = f"{folder}/roost.dump"
    assert dump == [
        *["/bin/pg_dump", "--format=custom", f"--file={dumped}", *options],
        *[f"--host={folder}", "--port=5439", "--dbname=atlas"],
    ]
    assert create == ["/bin/createdb", "--port=5432", "--owner=anna", "--template=template0", "old"]
    assert load == ["/bin/pg_restore", "--port=5432", "--exit-on-error", "--dbname=old", dumped]
    assert scratch.events == ["prepared", "start", "removed"]


def test_nothing_is_left_of_a_copy_that_fails(
    cluster: FakeCluster, scratch: type[FakeScratch], programs: Programs
) -> None:
    programs.failing = "/bin/pg_restore"
    with pytest.raises(BackupError, match="out of room"):
        restore(cluster)
    assert programs.ran[-1] == ["/bin/dropdb", "--port=5432", "old"]
    assert scratch.events[-1] == "removed"


def test_nothing_is_dropped_that_was_not_made(
    cluster: FakeCluster, scratch: type[FakeScratch], programs: Programs
) -> None:
    programs.failing = "/bin/createdb"
    with pytest.raises(BackupError, match="out of room"):
        restore(cluster)
    assert programs.names() == ["pg_dump", "createdb"]
    assert scratch.events[-1] == "removed"


def test_a_database_that_the_backup_does_not_have_is_told(
    cluster: FakeCluster, scratch: type[FakeScratch], programs: Programs
) -> None:
    with pytest.raises(BackupError, match=r"^the backup has no database places$"):
        restore(cluster, database="places")
    assert (programs.ran, scratch.events[-1]) == ([], "removed")


def test_a_database_that_there_is_is_never_overwritten(cluster: FakeCluster) -> None:
    with pytest.raises(BackupError, match="there is a database atlas already"):
        Beside(cluster, "places", "atlas", "", 512).refuse_if_it_exists()
    Beside(cluster, "atlas", "old", "", 512).refuse_if_it_exists()
