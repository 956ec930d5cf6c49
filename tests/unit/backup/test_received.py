"""What a receiver has given comes to where PostgreSQL looks for it, and nothing else does."""

import getpass
import io
import shutil
import tarfile
from pathlib import Path

import pytest
from ansible.module_utils.roost_backup import received
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.received import Received

FULL, LAST = "000000010000000000000006", "000000010000000000000007"
HISTORY = "00000002.history"


@pytest.fixture(autouse=True)
def _whoever_runs_the_tests_is_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    own = shutil.chown
    monkeypatch.setattr(received.shutil, "chown", lambda file, *_: own(file, getpass.getuser()))
    monkeypatch.setattr(received, "run", lambda argv: Path(argv[-1]).mkdir())


@pytest.fixture
def archived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was archived."""
    files: list[str] = []
    monkeypatch.setattr(received, "archive", lambda file: files.append(str(file)))
    return files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a restored cluster."""
    folder = tmp_path / "main"
    (folder / "pg_wal").mkdir(parents=True)
    return folder


def bundle(folder: Path, *names: str) -> Path:
    file = folder / "received.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"wal"))
    return file


def laid(data: Path) -> list[str]:
    return sorted(str(path.relative_to(data / "pg_wal")) for path in (data / "pg_wal").rglob("*") if path.is_file())


def test_all_files_are_laid_where_postgresql_looks(data: Path, tmp_path: Path) -> None:
    Received(bundle(tmp_path, FULL, LAST, HISTORY), [FULL, f"{LAST}.partial"]).lay_beside(data)
    assert laid(data) == [FULL, LAST, HISTORY]
    assert {path.stat().st_mode & 0o777 for path in (data / "pg_wal").iterdir()} == {0o600}
    assert (data / "pg_wal" / LAST).read_bytes() == b"wal"


def test_only_full_files_are_archived_and_nothing_is_left(tmp_path: Path, archived: list[str]) -> None:
    folder = tmp_path / "main.received"
    Received(bundle(tmp_path, FULL, LAST, HISTORY), [f"{LAST}.partial", FULL]).archive_from(folder)
    assert archived == [f"{folder}/{FULL}"]
    assert not folder.exists()


def test_nothing_is_left_of_what_can_not_be_archived(
    tmp_path: Path, archived: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: Path) -> None:
        raise BackupError("the server can't be reached")

    monkeypatch.setattr(received, "archive", refuse)
    with pytest.raises(BackupError, match="can't be reached"):
        Received(bundle(tmp_path, FULL), [FULL]).archive_from(tmp_path / "main.received")
    assert not (tmp_path / "main.received").exists()
    assert archived == []


@pytest.mark.parametrize("name", ["../postgresql.conf", "/etc/passwd", "postgresql.conf", f"{LAST}.partial"])
def test_what_is_no_file_of_the_log_is_refused(data: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(BackupError, match="is no file of the log"):
        Received(bundle(tmp_path, name), []).lay_beside(data)
    assert laid(data) == []


def test_what_can_not_be_read_is_told(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "received.tar.gz"
    file.write_bytes(b"nonsense")
    with pytest.raises(BackupError, match="what the receiver gave can't be read"):
        Received(file, []).lay_beside(data)
