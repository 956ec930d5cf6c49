"""The module site_maintenance: which files it leaves, and what it calls a change."""

from pathlib import Path

import pytest

from tests.support.modules import load_module

site_maintenance = load_module("site_maintenance")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "maintenance"


def test_on_and_off_change_something_once_and_leave_nothing(folder: Path) -> None:
    site = site_maintenance.Maintenance(folder, "atlas", check=False)
    assert [site.turn_on(b"soon"), site.turn_on(b"soon")] == [True, False]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"atlas.on": b"", "atlas.html": b"soon"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert [site.turn_off(), site.turn_off()] == [True, False]
    assert list(folder.iterdir()) == []


def test_another_page_replaces_the_one_before(folder: Path) -> None:
    site = site_maintenance.Maintenance(folder, "atlas", check=False)
    site.turn_on(b"soon")
    begun = site.flag.stat().st_mtime_ns
    assert site.turn_on(None)
    assert [path.name for path in folder.iterdir()] == ["atlas.on"]
    assert site.flag.stat().st_mtime_ns == begun


def test_check_mode_tells_and_writes_nothing(folder: Path) -> None:
    checked = site_maintenance.Maintenance(folder, "atlas", check=True)
    assert checked.turn_on(b"soon")
    assert not checked.turn_off()
    assert not folder.exists()
