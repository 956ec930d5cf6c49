"""A run of the backups over two repositories."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.module_utils.roost_backup import backing_up, record, state
from ansible.module_utils.roost_backup.backing_up import Run
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.retention import Keep
from ansible.module_utils.roost_backup.state import State, load

from tests.unit.backup.made import DAY, FIRST_NIGHT, FakeCluster, FakeRepository, diff, full, labels

KEEP = Keep(2, 1, 0)


class Night:
    """A host at night: each `run` is one of the backups, on the day `day`."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self.metrics = folder / "roost.prom"
        self.day = 0.0
        self.ticks = 0
        self.cluster = FakeCluster(folder)
        self.local, self.offsite = FakeRepository("local"), FakeRepository("offsite")
        self.stanzas = 0
        self.dumped: list[str] = []
        self.undumpable = ""

    def run(self, *, dumps: int = 0, kind: str = "") -> Run:
        """Run, and fail if it does."""
        run = self.prepared(dumps=dumps, kind=kind)
        run.do()
        return run

    def failing(self, *, dumps: int = 0) -> tuple[Run, str]:
        """Run, and return what it fails with."""
        run = self.prepared(dumps=dumps)
        with pytest.raises(BackupError) as raised:
            run.do()
        return run, str(raised.value)

    def prepared(self, *, dumps: int, kind: str = "") -> Run:
        for repository in (self.local, self.offsite):
            # One after the other, as in reality: no label is in both.
            repository.day = self.day + (0.005 if repository is self.offsite else 0)
            repository.asked.clear()
        names = {"local", "offsite"}
        return Run(self.cluster, [self.local, self.offsite], names, KEEP, 7, dumps=dumps, kind=kind)

    def remembered(self) -> State:
        return load(self.file)

    def time(self) -> float:
        return FIRST_NIGHT + self.day * DAY + 3600

    def monotonic(self) -> float:
        self.ticks += 1
        return 2.5 * self.ticks

    def create_stanza(self) -> None:
        self.stanzas += 1

    def dump(self, _: FakeCluster, database: str, keep: int) -> None:
        if database == self.undumpable:
            raise BackupError("permission denied")
        self.dumped.append(f"{database} {keep}")


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    night = Night(tmp_path)
    for module in (backing_up, record):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=night.time, monotonic=night.monotonic))
    monkeypatch.setattr(backing_up, "create_stanza", night.create_stanza)
    monkeypatch.setattr(backing_up, "dump", night.dump)
    monkeypatch.setattr(state, "changed", partial(state.changed, night.file, night.metrics))
    return night


def kinds(repository: FakeRepository) -> list[str]:
    return [backup.kind for backup in repository.backups]


def test_the_first_night_makes_a_full_backup_everywhere_and_remembers_it(night: Night) -> None:
    run = night.run()
    assert night.local.asked == night.offsite.asked == ["full", "verify", "expire archive"]
    made = night.local.backups[0]
    assert run.made[0] == {
        "repository": "local",
        "label": made.label,
        "kind": "full",
        "seconds": 2.5,
        "stored_bytes": 400,
        "ended": made.ended,
    }
    remembered = night.remembered()
    assert set(remembered.repositories) == {"local", "offsite"}
    assert remembered.repositories["local"] == {key: value for key, value in run.made[0].items() if key != "repository"}
    assert (remembered.failed, remembered.reason, remembered.broken) == (0, "", {})
    assert "roost_backup_failed 0\n" in night.metrics.read_text()
    assert night.stanzas == 0


def test_a_repository_that_is_not_prepared_is(night: Night) -> None:
    night.offsite.exists = False
    night.run()
    assert night.stanzas == 1
    assert kinds(night.offsite) == ["full"]


def test_nights_go_on_and_what_is_old_goes(night: Night) -> None:
    gone: list[str] = []
    for night.day in range(9):
        gone += night.run().expired
    # The full backups of two weeks' ends, and the differential ones of which the last is of the last of two days.
    assert kinds(night.local) == kinds(night.offsite) == ["full", "diff"]
    assert len(gone) == 2 * 7
    assert night.local.asked[-1] == "expire archive"


def test_a_kind_can_be_asked_for(night: Night) -> None:
    night.run()
    night.run(kind="full")
    assert night.local.asked[0] == "full"


def test_a_repository_that_fails_does_not_hold_up_the_other(night: Night) -> None:
    night.run()
    first = night.remembered().repositories
    night.day = 1
    night.local.unreachable = True
    run, told = night.failing()
    assert told == night.remembered().reason == "local: the server can't be reached"
    assert [made["repository"] for made in run.made] == ["offsite"]
    assert kinds(night.offsite) == ["full", "diff"]
    remembered = night.remembered()
    assert remembered.failed == night.time()
    assert remembered.repositories["local"] == first["local"]
    assert remembered.repositories["offsite"]["label"] == night.offsite.backups[-1].label
    assert "roost_backup_failed 1\n" in night.metrics.read_text()
    night.day = 2
    night.local.unreachable = False
    night.run()
    assert (night.remembered().failed, night.remembered().reason) == (0, "")


def test_both_failures_are_told(night: Night) -> None:
    night.local.unreachable = night.offsite.unreachable = True
    _, told = night.failing()
    assert told.splitlines() == ["local: the server can't be reached", "offsite: the server can't be reached"]
    assert night.remembered().reason == told.replace("\n", "; ")


def test_a_broken_last_full_backup_means_another_one_in_the_same_run(night: Night) -> None:
    night.run()
    rotten = night.local.backups[0].label
    night.local.broken[rotten] = "2 checksum invalid"
    night.day = 1
    run, told = night.failing()
    assert told == f"local: the backup {rotten} is broken: 2 checksum invalid"
    assert run.told == ["local: the last full backup is broken, so another one was made."]
    assert night.local.asked == ["diff", "verify", "full", "verify"]
    assert kinds(night.local) == ["full", "diff", "full"]
    remembered = night.remembered()
    assert remembered.repositories["local"]["label"] == night.local.backups[-1].label
    assert set(remembered.broken) == {rotten, night.local.backups[1].label}


def test_what_is_known_to_be_broken_is_told_once_and_replaced_by_the_next_night(night: Night) -> None:
    test_a_broken_last_full_backup_means_another_one_in_the_same_run(night)
    rotten = night.local.backups[0].label
    night.day = 2
    run = night.run()
    assert night.local.asked[:2] == ["diff", "verify"]
    assert run.told == []
    assert rotten in run.expired
    assert kinds(night.local) == ["full", "diff"]
    assert night.remembered().broken == {}


def test_a_known_broken_full_backup_is_not_built_upon(night: Night) -> None:
    night.run()
    night.local.broken = {night.local.backups[0].label: "1 missing"}
    with state.changed() as known:
        known.broken_in["local"] = dict(night.local.broken)
    night.day = 1
    night.run()
    assert kinds(night.local) == ["full"]
    assert night.local.backups[0].started > FIRST_NIGHT + DAY
    assert kinds(night.offsite) == ["full", "diff"]


def test_a_new_full_backup_that_is_broken_is_no_success(night: Night) -> None:
    night.local.spoils = True
    _, told = night.failing()
    label = night.local.backups[0].label
    assert told == f"local: the new backup {label} is broken: 1 checksum invalid"
    assert list(night.remembered().repositories) == ["offsite"]
    assert list(night.remembered().broken) == [label]


def test_damaged_pages_are_found_though_the_files_are_as_they_were_written(night: Night) -> None:
    night.run()
    night.local.backups[0] = replace(night.local.backups[0], damaged=True)
    night.day = 1
    _, told = night.failing()
    assert "pages of the database were damaged when it was made" in told
    assert night.local.backups[0].label in night.remembered().broken


def rotten_archive(night: Night) -> None:
    night.local.archive = "15-1: 2 missing"


def rotten_backup(night: Night) -> None:
    night.local.broken[night.local.backups[0].label] = "1 missing"


def unreachable(night: Night) -> None:
    night.local.unreachable = True


@pytest.mark.parametrize("spoil", [rotten_archive, rotten_backup, unreachable])
def test_nothing_is_removed_while_something_is_wrong(night: Night, spoil: Callable[[Night], None]) -> None:
    for repository in (night.local, night.offsite):
        old = full(-30)
        repository.backups = [old, full(-20), full(-10), diff(-9, full(-10))]
    night.day = 0
    spoil(night)
    run, _ = night.failing()
    assert run.expired == []
    asked = [*night.local.asked, *night.offsite.asked]
    assert [what for what in asked if what.startswith("expire")] == []
    assert len(night.offsite.backups) == 5


def test_a_damaged_archive_is_told(night: Night) -> None:
    night.local.archive = "15-1: 2 missing"
    assert night.failing()[1] == "local: the archive of WAL is damaged: 15-1: 2 missing"


def test_a_backup_that_is_not_there_afterwards_is_a_failure(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night.local, "back_up", lambda _: None)
    assert night.failing()[1] == "local: there is no backup after one was made"


def test_each_database_is_dumped_if_that_is_wanted(night: Night) -> None:
    night.run(dumps=2)
    assert night.dumped == ["atlas 2", "postgres 2"]
    night.run()
    assert len(night.dumped) == 2


def test_a_dump_that_fails_holds_up_neither_the_others_nor_the_backups(night: Night) -> None:
    night.undumpable = "atlas"
    _, told = night.failing(dumps=2)
    assert told == "dump of atlas: permission denied"
    assert night.dumped == ["postgres 2"]
    assert set(night.remembered().repositories) == {"local", "offsite"}


def test_without_postgresql_the_reasons_are_told_all_the_same(night: Night) -> None:
    night.cluster.running = False
    night.local.unreachable = True
    _, told = night.failing(dumps=2)
    assert told == "local: the server can't be reached\ndumps: PostgreSQL does not answer"
    assert night.remembered().reason == told.replace("\n", "; ")


def test_a_run_that_is_interrupted_has_failed(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(night.offsite, "verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        night.run()
    remembered = night.remembered()
    assert (remembered.failed, remembered.reason) == (night.time(), "the run came to no end")
    assert labels(night.local.backups) == [remembered.repositories["local"]["label"]]


def test_a_repository_that_is_no_longer_declared_is_forgotten(night: Night) -> None:
    with state.changed() as known:
        known.repositories["old"] = {"label": "x", "kind": "full", "ended": 1, "seconds": 1, "stored_bytes": 1}
        known.broken_in["old"] = {"x": "1 missing"}
    night.run()
    assert set(night.remembered().repositories) == {"local", "offsite"}
    assert night.remembered().broken == {}


def test_a_clock_that_went_back_is_told_and_nothing_is_removed(night: Night) -> None:
    night.day = 400
    night.run()
    night.day = 1
    _, problem = night.failing()
    assert "local: this host's clock says 2026-01-06 03:30 UTC, and the newest backup was made at 2027-02-09" in problem
    assert night.local.asked == night.offsite.asked == []


def test_what_was_made_while_the_clock_was_ahead_goes_when_somebody_says_so(night: Night) -> None:
    night.run()
    night.day = 400
    night.run()
    ahead = night.local.backups[-1].label
    night.day = 1
    run = night.prepared(dumps=0)
    run.clock_is_right = True
    run.do()
    assert night.local.asked == [f"expire {ahead}", "diff", "verify", "expire archive"]
    assert ahead in run.expired
    assert night.remembered().reason == ""
