"""Commands, the cluster that is found, and logical dumps: what is run, and what is made of its failure."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.module_utils.roost_backup import cluster as cluster_module
from ansible.module_utils.roost_backup import dumps
from ansible.module_utils.roost_backup.cluster import Cluster, find_cluster
from ansible.module_utils.roost_backup.commands import run
from ansible.module_utils.roost_backup.errors import BackupError


def test_a_command_returns_what_it_printed() -> None:
    assert run([sys.executable, "-c", "print('one'); print('two')"]) == "one\ntwo\n"


def test_the_end_of_what_a_failing_command_said_is_told() -> None:
    with pytest.raises(BackupError) as raised:
        run([sys.executable, "-c", "print(*range(9), '', sep='\\n'); raise SystemExit('it is full')"])
    assert str(raised.value).splitlines() == ["4", "5", "6", "7", "8", "it is full"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["false"], "`false` failed"),
        (["/nowhere/pgbackrest", "info"], "/nowhere/pgbackrest is not installed"),
    ],
)
def test_a_command_that_says_nothing_is_named(argv: list[str], told: str) -> None:
    with pytest.raises(BackupError) as raised:
        run(argv)
    assert str(raised.value) == told


def test_a_command_may_take_only_so_long() -> None:
    with pytest.raises(BackupError, match=r"^`sleep 9` did not end within 0\.05 s$"):
        run(["sleep", "9"], timeout=0.05)


# --- the cluster ----------------------------------------------------------------------------------------------

LISTED = """\
15  main    5433 down   postgres /var/lib/postgresql/15/main    /var/log/postgresql/postgresql-15-main.log
9.6 other   5434 online postgres /var/lib/postgresql/9.6/other  /var/log/postgresql/postgresql-9.6-other.log
17  main    5432 online postgres /var/lib/postgresql/17/main    /var/log/postgresql/postgresql-17-main.log
"""
CLUSTER = Cluster("15", 5433)


def test_the_newest_cluster_named_main_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "run", lambda _: LISTED)
    found = find_cluster()
    assert found == Cluster("17", 5432)
    assert (str(found.data), found.unit) == ("/var/lib/postgresql/17/main", "postgresql@17-main.service")


@pytest.mark.parametrize("listed", ["", LISTED.splitlines(keepends=True)[1]])
def test_a_host_without_such_a_cluster_is_told(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    monkeypatch.setattr(cluster_module, "run", lambda _: listed)
    with pytest.raises(BackupError, match="no cluster of PostgreSQL that is named main"):
        find_cluster()


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> list[list[str]]:
    """Let SQL be answered, and return the commands by which it was asked."""
    asked: list[list[str]] = []

    def psql(argv: Sequence[str]) -> str:
        asked.append(list(argv))
        return answer(argv[-1].removeprefix("--command="))

    monkeypatch.setattr(cluster_module, "run_as_postgres", psql)
    return asked


def test_sql_goes_to_the_clusters_own_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, lambda _: " 1\n")
    assert CLUSTER.sql("SELECT 1", "atlas") == "1"
    assert "--port=5433" in asked[0]
    assert "--dbname=atlas" in asked[0]
    assert not [option for option in asked[0] if option.startswith("--host")]
    CLUSTER.sql("SELECT 1", socket="/scratch")
    assert "--host=/scratch" in asked[1]


def test_what_a_cluster_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda text: "1767666600.25\n" if "xact" in text else "atlas\npostgres\n")
    assert CLUSTER.databases() == ["atlas", "postgres"]
    assert CLUSTER.last_commit() == 1767666600.25
    answering(monkeypatch, lambda _: "\n")
    assert (CLUSTER.databases(), CLUSTER.last_commit()) == ([], 0)


def test_a_cluster_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise BackupError("connection refused")

    answering(monkeypatch, refuse)
    assert not CLUSTER.is_up()
    answering(monkeypatch, lambda _: "1\n")
    assert CLUSTER.is_up()


def waiting(monkeypatch: pytest.MonkeyPatch, states: list[str], recovering: list[str]) -> SimpleNamespace:
    """systemd tells these states, and SQL whether it recovers, one after the other."""
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(cluster_module, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    monkeypatch.setattr(cluster_module, "run", lambda _: f"{states.pop(0) if len(states) > 1 else states[0]}\n")
    answering(
        monkeypatch,
        lambda text: (recovering.pop(0) if len(recovering) > 1 else recovering[0]) if "recov" in text else "1",
    )
    return clock


def test_a_restored_cluster_is_waited_for_until_it_takes_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = waiting(monkeypatch, ["activating", "active"], ["t", "t", "f"])
    CLUSTER.wait_until_open(60)
    assert clock.now == 2 * cluster_module.POLL_SECONDS


@pytest.mark.parametrize("state", ["failed", "inactive"])
def test_one_that_dies_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    waiting(monkeypatch, ["active", state], ["t"])
    with pytest.raises(BackupError, match="PostgreSQL did not start from what was restored"):
        CLUSTER.wait_until_open(60)


def test_nor_is_one_that_never_ends_its_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(monkeypatch, ["active"], ["t"])
    with pytest.raises(BackupError, match="PostgreSQL did not end its recovery within 60 s"):
        CLUSTER.wait_until_open(60)


def test_the_archive_is_waited_for_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "data", tmp_path)
    waiting(monkeypatch, ["active"], ["f"])
    queue = tmp_path / "pg_wal" / "archive_status"
    queue.mkdir(parents=True)
    (queue / "000000010000000000000001.done").touch()
    CLUSTER.wait_until_archived()
    (queue / "000000010000000000000002.ready").touch()
    with pytest.raises(BackupError, match=r"^1 files of the WAL can't be archived$"):
        CLUSTER.wait_until_archived()


# --- dumps ----------------------------------------------------------------------------------------------------


class Dumps:
    """A folder of dumps; each dump is a second later than the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.second = 0
        self.fails = False

    def strftime(self, *_: object) -> str:
        self.second += 1
        return f"2026-11-26T15-00-{self.second:02}Z"

    def pg_dump(self, argv: Sequence[str]) -> str:
        file = next(option for option in argv if option.startswith("--file=")).removeprefix("--file=")
        Path(file).write_text("half")
        if self.fails:
            raise BackupError("out of room")
        Path(file).write_text("whole")
        return ""

    def names(self) -> list[str]:
        assert all(path.read_text() == "whole" for path in self.folder.glob("*.dump"))
        return sorted(path.name for path in self.folder.iterdir())

    def dump(self, database: str, keep: int) -> Path:
        made: Path = dumps.dump(CLUSTER, database, keep)
        return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dumps:
    made = Dumps(tmp_path / "dumps")
    monkeypatch.setattr(dumps, "FOLDER", made.folder)
    monkeypatch.setattr(dumps, "run_as_postgres", made.pg_dump)
    monkeypatch.setattr(dumps, "time", SimpleNamespace(strftime=made.strftime, gmtime=lambda: None))
    user = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(dumps, "pwd", SimpleNamespace(getpwnam=lambda _: user))
    return made


def test_the_newest_dumps_of_each_database_are_kept(folder: Dumps) -> None:
    for database in ("atlas", "atlas", "atlas-2", "atlas"):
        made = folder.dump(database, 2)
    assert made.name == "atlas-2026-11-26T15-00-04Z.dump"
    assert folder.names() == [
        "atlas-2-2026-11-26T15-00-03Z.dump",
        "atlas-2026-11-26T15-00-02Z.dump",
        "atlas-2026-11-26T15-00-04Z.dump",
    ]
    assert folder.folder.stat().st_mode & 0o777 == 0o700


def test_half_a_dump_is_never_taken_for_one_and_goes_with_the_next(folder: Dumps) -> None:
    folder.dump("atlas", 1)
    folder.fails = True
    with pytest.raises(BackupError, match="out of room"):
        folder.dump("atlas", 1)
    assert folder.names() == ["atlas-2026-11-26T15-00-01Z.dump", "atlas-2026-11-26T15-00-02Z.unfinished"]
    folder.fails = False
    folder.dump("places", 1)
    assert folder.names() == ["atlas-2026-11-26T15-00-01Z.dump", "places-2026-11-26T15-00-03Z.dump"]
