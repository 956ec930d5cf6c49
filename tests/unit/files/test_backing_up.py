"""A run: what is done in which order, and what a failure holds up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import backing_up
from ansible.module_utils.roost_files.backing_up import Run, part_of_today, refuse_without_room
from ansible.module_utils.roost_files.restic import Keep, Restic

from tests.unit.files.conftest import ENVIRONMENT, FakeRestic, repository_at

ABSENT = "Fatal: unable to open config file: Stat: The specified key does not exist.\n"
REFUSED = "Fatal: dial tcp 127.0.0.1:8333: connect: connection refused\n"
DAY = 86400


def run_of(folder: Path, *repositories: Restic, **sets: str) -> Run:
    uploads = folder / "media"
    uploads.mkdir(exist_ok=True)
    wanted = {"atlas": [str(uploads)]} | {name: [at] for name, at in sets.items()}
    return Run("vm1", ([one.name for one in repositories], list(wanted)), repositories, wanted, Keep(7, 4, 12))


def test_all_is_done_in_its_order(
    tmp_path: Path, restic: FakeRestic, repository: Restic, known: Callable[[], Any]
) -> None:
    run = run_of(tmp_path, repository)
    run.do()
    assert restic.calls() == ["cat", "unlock", "backup", "check", "forget"]
    assert [(one["repository"], one["name"], one["label"]) for one in run.made] == [("offsite", "atlas", "e8afe109")]
    assert (known().failed, known().reason) == (0, "")
    assert known().repositories["offsite"]["atlas"]["file_bytes"] == 3000100
    assert 'roost_files_stored_bytes{repository="offsite",set="atlas"} 3002916' in (tmp_path / "files.prom").read_text()


def test_an_empty_bucket_is_prepared(tmp_path: Path, restic: FakeRestic, repository: Restic) -> None:
    restic.answer("cat", stderr=ABSENT, code=1)
    run_of(tmp_path, repository).do()
    assert restic.calls()[:3] == ["cat", "init", "backup"]


def test_a_repository_that_is_gone_is_begun_anew_and_told_once(
    tmp_path: Path, restic: FakeRestic, repository: Restic
) -> None:
    run_of(tmp_path, repository).do()
    restic.answer("cat", stderr=ABSENT, code=1)
    with pytest.raises(BackupError, match="offsite: all earlier backups of files are gone"):
        run_of(tmp_path, repository).do()
    restic.answer("cat")
    run_of(tmp_path, repository).do()


def test_a_server_that_is_down_is_one_line_and_nothing_is_prepared(
    tmp_path: Path, restic: FakeRestic, repository: Restic, known: Callable[[], Any]
) -> None:
    restic.answer("cat", stderr=REFUSED, code=1)
    with pytest.raises(BackupError, match=r"^offsite: the server can't be reached$"):
        run_of(tmp_path, repository).do()
    assert restic.calls() == ["cat"]
    assert known().failed > 0
    assert known().reason == "offsite: the server can't be reached"


def test_a_repository_that_fails_holds_up_no_other(
    tmp_path: Path, repository: Restic, known: Callable[[], Any]
) -> None:
    lost = Restic("local", tmp_path)
    with pytest.raises(BackupError, match=r"there is no .*/local.env: run site.yml"):
        run_of(tmp_path, lost, repository).do()
    assert list(known().repositories) == ["offsite"]


def test_a_folder_that_is_missing_is_told_and_nothing_is_removed(
    tmp_path: Path, restic: FakeRestic, repository: Restic, known: Callable[[], Any]
) -> None:
    with pytest.raises(BackupError, match="offsite: flock: there is no /nowhere to back up"):
        run_of(tmp_path, repository, flock="/nowhere").do()
    assert restic.calls() == ["cat", "unlock", "backup", "check"]
    assert list(known().repositories["offsite"]) == ["atlas"]


def test_what_is_no_longer_declared_is_forgotten(tmp_path: Path, repository: Restic, known: Callable[[], Any]) -> None:
    run_of(tmp_path, repository, flock="/etc").do()
    other = repository_at(tmp_path, "local", ENVIRONMENT)
    run_of(tmp_path, other).do()
    assert {place: list(sets) for place, sets in known().repositories.items()} == {"local": ["atlas"]}


def test_a_run_that_is_killed_has_failed(
    tmp_path: Path, repository: Restic, known: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "_make", killed)
    with pytest.raises(KeyboardInterrupt):
        run_of(tmp_path, repository).do()
    assert known().reason == "the run came to no end"


def test_all_parts_are_read_within_a_week() -> None:
    assert {part_of_today(day * DAY) for day in range(7)} == set(range(1, 8))


def test_the_disk_of_the_databases_is_never_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "upload").write_bytes(b"x" * 1000)

    def disk(free: int) -> None:
        usage = type("Usage", (), {"total": 10_000, "free": free})
        monkeypatch.setattr(backing_up.shutil, "disk_usage", lambda _: usage)

    disk(1500)
    refuse_without_room(tmp_path / "not yet", [str(tmp_path)], {})
    disk(1499)
    refuse_without_room(None, [str(tmp_path)], {})
    refuse_without_room(tmp_path, [str(tmp_path)], {"file_bytes": 999})
    with pytest.raises(BackupError, match="has no room"):
        refuse_without_room(tmp_path, [str(tmp_path)], {})
