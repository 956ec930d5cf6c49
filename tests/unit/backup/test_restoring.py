"""A restore in place: what was there before is never lost, wherever a run fails or is killed."""

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.roost_backup import restoring
from ansible.module_utils.roost_backup.choice import Choice
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.restoring import InPlace

from tests.unit.backup.made import FakeCluster, FakeRepository, full

MOST_STEPS = 40
CHOICE = Choice("local", full(0), 1)
MOMENT = "2026-11-26 14:05:00+00"


class KilledError(BaseException):
    """The run was killed: nothing that it would have done afterwards happens."""


@dataclass
class Host:
    """A host on which a run ends after `left` steps: killed for good, or interrupted once if it is `interrupted`."""

    folder: Path
    left: int = MOST_STEPS
    interrupted: bool = False
    taken: list[str] = field(default_factory=list)
    repository: FakeRepository = field(default_factory=lambda: FakeRepository("local"))

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.cluster = FakeCluster(self.folder)
        self.in_place = InPlace(self.cluster, self.folder / "state" / "restore.json")

    def step(self, what: str) -> None:
        if len(self.taken) == self.left and not self.interrupted:
            raise KilledError(what)
        self.taken.append(what)
        if len(self.taken) == self.left + 1:
            raise KeyboardInterrupt(what)

    def restore(self, until: str = "") -> Path:
        kept: Path = self.in_place.restore(self.repository, CHOICE, until)
        return kept

    def kept(self) -> list[str]:
        """Which states are kept aside, the oldest first; all of them must be whole."""
        folders = self.in_place.kept_aside()
        assert all((folder / "PG_VERSION").is_file() for folder in folders)
        return [(folder / "what").read_text().strip() for folder in folders]

    def seen(self) -> tuple[str, bool, list[str], bool]:
        """Which state is in place and whole, whether it runs, what is kept aside, and whether a run came to no end."""
        whole = (self.cluster.data / "PG_VERSION").is_file()
        return self.cluster.what if whole else "", self.cluster.running, self.kept(), self.in_place.journal.exists()


@dataclass
class Steps:
    """The host that the steps are counted on, if any."""

    host: Host | None = None

    def counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if self.host is not None and str(arguments[0]).startswith(str(self.host.folder)):
                self.host.step(f"{name} {Path(arguments[0]).name}")
            return real(*arguments, **options)

        return call


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    for name in ("rename", "replace", "rmdir", "unlink"):
        monkeypatch.setattr(Path, name, steps.counted(name, getattr(Path, name)))
    rmtree = shutil.rmtree

    def half_first(folder: Path) -> None:
        (folder / "PG_VERSION").unlink(missing_ok=True)
        rmtree(folder)

    monkeypatch.setattr(restoring.shutil, "rmtree", half_first)

    def install(argv: Sequence[str]) -> None:
        assert argv[:2] == ["install", "-d"]
        Path(argv[-1]).mkdir()

    monkeypatch.setattr(restoring, "run", lambda argv: steps.counted("install", lambda _: install(argv))(argv[-1]))
    for name in ("start", "stop", "wait_until_open", "databases"):
        real = getattr(FakeCluster, name)
        monkeypatch.setattr(FakeCluster, name, _of_cluster(steps, name, real))
    restore = FakeRepository.restore

    def restore_in_steps(repository: FakeRepository, folder: str, label: str, **options: str) -> None:
        step = steps.counted("restore", lambda _: None)
        step(folder)
        restore(repository, folder, label, **options)
        step(folder)

    monkeypatch.setattr(FakeRepository, "restore", restore_in_steps)
    moments = itertools.count(10)
    clock = SimpleNamespace(gmtime=lambda: None, strftime=lambda *_: f"20261126T1500{next(moments)}Z")
    monkeypatch.setattr(restoring, "time", clock)
    return steps


def _of_cluster(steps: Steps, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(cluster: FakeCluster, *arguments: Any) -> Any:
        steps.counted(name, lambda _: None)(cluster.data)
        return real(cluster, *arguments)

    return call


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "host")


# --- success and failure --------------------------------------------------------------------------------------


def test_what_was_there_before_is_kept_aside(host: Host) -> None:
    kept = host.restore(MOMENT)
    assert host.seen() == ("restored", True, ["before"], False)
    assert kept == host.in_place.kept_aside()[0] == host.folder / "main.before-20261126T150010Z"
    assert host.repository.asked == [f"restore {CHOICE.backup.label} {MOMENT}"]
    assert [asked for asked in host.cluster.asked if ": " in asked] == [
        "atlas: SELECT count(*) FROM pg_class",
        "postgres: SELECT count(*) FROM pg_class",
    ]


def unreachable(host: Host) -> None:
    host.repository.unreachable = True


def refused(host: Host) -> None:
    host.cluster.refuses = {"restored"}


def mute(host: Host) -> None:
    host.cluster.mute = {"atlas"}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (unreachable, "local: the server can't be reached"),
        (refused, "PostgreSQL did not start"),
        (mute, "atlas does not answer"),
    ],
)
def test_a_restore_that_fails_brings_back_what_was_there(host: Host, spoil: Callable[[Host], None], told: str) -> None:
    spoil(host)
    with pytest.raises(BackupError) as raised:
        host.restore()
    assert str(raised.value) == f"{told}\nWhat was there before is back."
    assert host.seen() == ("before", True, [], False)


def test_another_mistake_brings_it_back_as_well(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(host.repository, "restore", mistaken)
    with pytest.raises(ZeroDivisionError):
        host.restore()
    assert host.seen() == ("before", True, [], False)


def test_a_cluster_that_was_down_before_is_so_again(host: Host) -> None:
    host.cluster.stop()
    host.cluster.refuses = {"before", "restored"}
    with pytest.raises(BackupError, match="is back"):
        host.restore()
    assert host.seen() == ("before", False, [], False)


def test_a_cluster_that_has_lost_its_data_is_restored(host: Host) -> None:
    shutil.rmtree(host.cluster.data)
    host.cluster.running = False
    kept = host.restore()
    assert host.seen() == ("restored", True, [], False)
    assert not kept.exists()


def test_nothing_comes_back_where_nothing_was(host: Host) -> None:
    shutil.rmtree(host.cluster.data)
    host.repository.unreachable = True
    with pytest.raises(BackupError, match=r"^local: the server can't be reached$"):
        host.restore()
    assert host.kept() == []
    assert not host.in_place.journal.exists()


def test_without_room_nothing_is_begun(host: Host) -> None:
    choice = Choice("local", full(0, database_bytes=2**60), 1)
    with pytest.raises(BackupError, match=r"needs 1154487209165 MiB beside the present one, and \d+ MiB are free"):
        host.in_place.restore(host.repository, choice, "")
    assert host.seen() == ("before", True, [], False)
    assert (host.cluster.asked, host.repository.asked) == ([], [])
    host.in_place.refuse_without_room(CHOICE)


def test_a_second_restore_never_takes_the_place_of_what_the_first_has_kept(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring.time, "strftime", lambda *_: "20261126T150000Z")
    host.restore()
    with pytest.raises(BackupError, match=r"main\.before-20261126T150000Z is there already"):
        host.restore()
    assert host.seen() == ("restored", True, ["before"], False)


# --- undo and confirm -----------------------------------------------------------------------------------------


def test_undo_brings_back_what_was_there_and_keeps_what_the_restore_had_brought(host: Host) -> None:
    host.restore()
    kept = host.in_place.undo()
    assert host.seen() == ("before", True, ["restored"], False)
    assert [kept] == host.in_place.kept_aside()
    host.in_place.undo()
    assert host.seen() == ("restored", True, ["before"], False)


def test_undo_takes_the_last_restore(host: Host) -> None:
    host.restore()
    (host.cluster.data / "what").write_text("restored and changed\n")
    host.restore()
    assert host.kept() == ["before", "restored and changed"]
    host.in_place.undo()
    assert host.seen() == ("restored and changed", True, ["before", "restored"], False)


def test_nothing_can_be_undone_before_a_restore(host: Host) -> None:
    with pytest.raises(BackupError, match="no restore has kept anything aside"):
        host.in_place.undo()
    assert host.seen() == ("before", True, [], False)


def test_an_undo_that_fails_loses_neither_state(host: Host) -> None:
    host.restore()
    host.cluster.refuses = {"before"}
    with pytest.raises(BackupError, match=r"did not start\nWhat was there before is back\."):
        host.in_place.undo()
    assert host.seen() == ("restored", True, ["before"], False)


def test_confirm_removes_all_that_is_kept_aside_and_nothing_else(host: Host) -> None:
    host.restore()
    host.restore()
    other = host.folder / "main.mine"
    other.mkdir()
    assert len(host.in_place.confirm()) == 2
    assert host.seen() == ("restored", True, [], False)
    assert other.is_dir()
    assert host.in_place.confirm() == []


# --- kills ----------------------------------------------------------------------------------------------------


def restore(host: Host) -> None:
    host.restore()


def undo(host: Host) -> None:
    host.in_place.undo()


def nothing(_: Host) -> None:
    pass


@dataclass(frozen=True)
class Case:
    """How the host is before, and what is killed on it."""

    prepare: Callable[[Host], None]
    action: Callable[[Host], None]
    before: tuple[str, bool, list[str], bool] = ("before", True, [], False)


RESTORED = ("restored", True, ["before"], False)


def restored_and_refused(host: Host) -> None:
    host.restore()
    host.cluster.refuses = {"before"}


CASES = {
    "restore": Case(nothing, restore),
    "restore from nowhere": Case(unreachable, restore),
    "restore of what never starts": Case(refused, restore),
    "second restore": Case(restore, restore, RESTORED),
    "undo": Case(restore, undo, RESTORED),
    "undo to what never starts": Case(restored_and_refused, undo, RESTORED),
}


def ended_early(steps: Steps, host: Host, left: int, case: Case, *, interrupted: bool = False) -> bool:
    """Run until so many steps are taken; tell whether that was before the end."""
    host.taken.clear()
    host.left, host.interrupted = left, interrupted
    steps.host = host
    try:
        case.action(host)
    except (KilledError, KeyboardInterrupt):
        return True
    except BackupError:
        return False
    finally:
        steps.host = None
    return False


def prepared(folder: Path, case: Case) -> Host:
    host = Host(folder)
    case.prepare(host)
    return host


def ends(folder: Path, steps: Steps, case: Case, *, interrupted: bool = False) -> list[Host]:
    """Return a host for each step at which the run can be ended, ended there."""
    hosts: list[Host] = []
    for left in range(MOST_STEPS):
        host = prepared(folder / f"{left}", case)
        if not ended_early(steps, host, left, case, interrupted=interrupted):
            return hosts
        hosts.append(host)
    raise AssertionError("there are more steps than expected")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_run_that_is_killed_anywhere_is_undone_by_the_next(tmp_path: Path, steps: Steps, case: Case) -> None:
    killed = ends(tmp_path, steps, case)
    assert len(killed) > 8
    journals = 0
    for host in killed:
        begun = host.in_place.journal.exists()
        journals += begun
        assert host.in_place.repair() is begun
        assert host.seen() == case.before, host.taken
        assert host.in_place.repair() is False
    # Only a run that is killed before its journal is written has nothing to be repaired.
    assert journals == len(killed) - 1


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_so_is_one_whose_repair_is_killed_anywhere_too(tmp_path: Path, steps: Steps, case: Case) -> None:
    repair = Case(nothing, lambda host: host.in_place.repair() and None)
    repairs = 0
    for first in range(1, len(ends(tmp_path, steps, case))):
        for second in range(MOST_STEPS):
            host = prepared(tmp_path / f"{first}-{second}", case)
            assert ended_early(steps, host, first, case)
            if not ended_early(steps, host, second, repair):
                break
            repairs += 1
            assert host.in_place.repair()
            assert host.seen() == case.before, (first, host.taken)
    assert repairs > 20


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_interrupted_run_undoes_itself_or_is_undone_by_the_next(tmp_path: Path, steps: Steps, case: Case) -> None:
    at_once = 0
    for host in ends(tmp_path, steps, case, interrupted=True):
        at_once += not host.in_place.journal.exists()
        host.in_place.repair()
        assert host.seen() == case.before, host.taken
    assert at_once > 4


def test_every_step_is_among_those_that_are_ended(host: Host, steps: Steps) -> None:
    assert not ended_early(steps, host, MOST_STEPS, CASES["restore"])
    assert host.taken == [
        "replace restore.new",
        "stop main",
        "rename main",
        "install main",
        "restore main",
        "restore main",
        "start main",
        "wait_until_open main",
        "databases main",
        "unlink restore.json",
    ]


def test_the_journal_says_where_both_states_belong(host: Host, steps: Steps) -> None:
    host.restore()
    ended_early(steps, host, 1, CASES["undo"])
    assert json.loads(host.in_place.journal.read_text()) == {
        "kept": str(host.folder / "main.before-20261126T150011Z"),
        "taken": str(host.folder / "main.before-20261126T150010Z"),
    }
