"""What a packed module unpacks on a host: once, whole, and with a way on where it can't."""

import os
import time
import zipfile
from pathlib import Path

import pytest
from ansible.module_utils import unpacked as module
from ansible.module_utils.unpacked import unpacked


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def archive_with(folder: Path, name: str, **files: str) -> list[str]:
    """Pack files into an archive as Ansible does; return the path of its package."""
    archive = folder / f"ansible_{name}_payload.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file, content in ({"__init__": "", "basic": "SAID = 'hello'"} | files).items():
            packed.writestr(f"ansible/{file}.py", content)
        packed.writestr("sitecustomize.py", "")
    return [str(archive / "ansible")]


def test_the_package_is_found_unpacked_and_then_in_its_archive(tmp_path: Path) -> None:
    path = archive_with(tmp_path, "file")
    folder = tmp_path / "modules"
    assert unpacked(path, "state", folder) == [str(folder / "state" / "ansible"), *path]
    assert (folder / "state" / "ansible" / "basic.py").read_text() == "SAID = 'hello'"
    assert not (folder / "state" / "sitecustomize.py").exists()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_another_module_unpacked_stays_so_that_it_is_not_compiled_anew(tmp_path: Path) -> None:
    folder = tmp_path / "modules"
    unpacked(archive_with(tmp_path, "file"), "state", folder)
    basic = folder / "state" / "ansible" / "basic.py"
    os.utime(basic, (1, 1))
    unpacked(archive_with(tmp_path, "apt", apt="..."), "state", folder)
    assert basic.stat().st_mtime == 1
    assert (folder / "state" / "ansible" / "apt.py").exists()


def test_one_that_was_killed_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, folder = archive_with(tmp_path, "file"), tmp_path / "modules"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "read", killed)
        with pytest.raises(KeyboardInterrupt):
            unpacked(path, "state", folder)
    assert unpacked(path, "state", folder)[0] == str(folder / "state" / "ansible")
    assert (folder / "state" / "ansible" / "basic.py").exists()


def test_states_that_no_run_has_used_for_long_go(tmp_path: Path) -> None:
    folder = tmp_path / "modules"
    for state in ("long ago", "yesterday"):
        unpacked(archive_with(tmp_path, "file"), state, folder)
    then = time.time() - (module.DAYS_UNUSED + 1) * 86_400
    os.utime(folder / "long ago", (then, then))
    unpacked(archive_with(tmp_path, "file"), "today", folder)
    assert sorted(found.name for found in folder.iterdir()) == ["today", "yesterday"]


def test_without_root_or_room_it_is_imported_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive_with(tmp_path, "file")
    (tmp_path / "a file").touch()
    assert unpacked(path, "state", tmp_path / "a file") == path
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unpacked(path, "state", tmp_path / "modules") == path
    assert not (tmp_path / "modules").exists()


def test_what_is_no_archive_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "ansible").mkdir()
    assert unpacked([str(tmp_path / "ansible")], "state", tmp_path / "modules") == [str(tmp_path / "ansible")]
