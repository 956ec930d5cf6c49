"""Files come back beside the present ones, which are kept aside."""

import getpass
from pathlib import Path

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import restoring
from ansible.module_utils.roost_files.restic import Restic
from ansible.module_utils.roost_files.restoring import confirm, kept_aside, restore, undo


class Held(Restic):
    """A repository whose only snapshot holds one file of the folder that is asked for."""

    def restore(self, label: str, path: str, target: Path) -> None:
        if label == "broken":
            raise BackupError("offsite: the repository is damaged")
        if label == "empty":
            return
        place = target / path.lstrip("/")
        place.mkdir(parents=True)
        (place / "file").write_text(label)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    media = tmp_path / "media"
    media.mkdir()
    (media / "file").write_text("present")
    return media


def bring_back(folder: Path, label: str) -> Path | None:
    kept: Path | None = restore(Held("offsite"), label, folder, getpass.getuser())
    return kept


def test_what_was_there_is_kept_comes_back_and_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = bring_back(folder, "old")
    assert kept is not None
    assert ((folder / "file").read_text(), (kept / "file").read_text()) == ("old", "present")
    monkeypatch.setattr(restoring.time, "strftime", lambda *_: "later")
    assert undo(folder) == folder.with_name("media.before-later")
    assert (folder / "file").read_text() == "present"
    assert confirm(folder) == [folder.with_name("media.before-later")]
    assert [path.name for path in folder.parent.iterdir()] == ["media"]
    with pytest.raises(BackupError, match=r"no restore has kept anything of .*/media aside"):
        undo(folder)


def test_a_folder_that_is_gone_comes_back(folder: Path) -> None:
    (folder / "file").unlink()
    folder.rmdir()
    assert bring_back(folder, "old") is None
    assert (folder / "file").read_text() == "old"


@pytest.mark.parametrize(("label", "problem"), [("broken", "damaged"), ("empty", "snapshot empty has no .*/media")])
def test_a_restore_that_fails_changes_nothing(folder: Path, label: str, problem: str) -> None:
    with pytest.raises(BackupError, match=problem):
        bring_back(folder, label)
    assert (folder / "file").read_text() == "present"
    assert [path.name for path in folder.parent.iterdir()] == ["media"]


def test_files_that_have_no_room_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20}))
    restoring.refuse_without_room(folder, 900_000)
    with pytest.raises(BackupError, match="need 1 MiB beside the present ones, and 1 MiB are free"):
        restoring.refuse_without_room(folder, 2**20)


def test_what_a_killed_restore_has_left_is_removed(folder: Path) -> None:
    (folder.parent / ".media.restoring-x").mkdir()
    assert bring_back(folder, "old")
    assert not (folder.parent / ".media.restoring-x").exists()


def test_a_second_restore_within_a_second_overwrites_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring.time, "strftime", lambda *_: "now")
    bring_back(folder, "old")
    with pytest.raises(BackupError, match="is there already"):
        bring_back(folder, "older")
    assert [path.name for path in kept_aside(folder)] == ["media.before-now"]
    assert (folder / "file").read_text() == "old"


def test_what_belonged_to_the_owner_elsewhere_belongs_to_the_user_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Path] = []
    monkeypatch.setattr(restoring.pwd, "getpwnam", lambda _: type("User", (), {"pw_uid": 12345}))
    monkeypatch.setattr(restoring.os, "chown", lambda path, *_, **__: given.append(path))
    restoring.give(folder, "atlas")
    assert given == [folder, folder / "file"]
