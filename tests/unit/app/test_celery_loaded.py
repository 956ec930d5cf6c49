"""What a process of a program has loaded, by the files that it writes."""

import threading
from pathlib import Path

import pytest
from ansible.module_utils.roost_celery import loaded


def test_program_is_ready_when_its_own_process_says_so(tmp_path: Path) -> None:
    file = tmp_path / "srv/atlas/celery/atlas-beat.pid"
    assert not loaded.has_loaded("atlas", "atlas-beat", 7, tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("7\n")
    assert loaded.has_loaded("atlas", "atlas-beat", 7, tmp_path)
    assert not loaded.has_loaded("atlas", "atlas-beat", 8, tmp_path)


def test_program_is_outdated_when_environment_or_release_changes(tmp_path: Path) -> None:
    environment, release, record = write_files(tmp_path)
    for file in (environment, release):
        record.write_text(f"{loaded.present_digest('atlas', tmp_path)} 7\n")
        assert not loaded.is_outdated("atlas", "atlas-beat", 7, tmp_path)
        file.write_text("B\n")
        assert loaded.is_outdated("atlas", "atlas-beat", 7, tmp_path)


@pytest.mark.parametrize("earlier", ["", "{digest} 6\n"])
def test_program_that_just_started_gets_a_moment_to_record(tmp_path: Path, earlier: str) -> None:
    *_, record = write_files(tmp_path)
    digest = loaded.present_digest("atlas", tmp_path)
    record.write_text(earlier.format(digest=digest))
    later = threading.Timer(0.1, record.write_text, [f"{digest} 7\n"])
    later.start()
    assert not loaded.is_outdated("atlas", "atlas-beat", 7, tmp_path)
    later.join()


def test_program_that_never_records_is_outdated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "RECORD_SECONDS", 0.01)
    assert loaded.is_outdated("atlas", "atlas-beat", 7, tmp_path)


def write_files(host: Path) -> list[Path]:
    """Write the environment, the release's and the record of atlas-beat."""
    names = ["etc/roost/apps/atlas.env", "srv/atlas/current/release.env", "srv/atlas/celery/atlas-beat.loaded"]
    files = [host / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("A\n")
    return files
