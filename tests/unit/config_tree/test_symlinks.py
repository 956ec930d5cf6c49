"""config_tree and symlinks: only those of root are followed, and none out of the target."""

import os
from pathlib import Path

import pytest
from ansible.module_utils.config_tree import place as place_module
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.node import FILE, Node
from ansible.module_utils.config_tree.place import Place
from ansible.module_utils.config_tree.view import View

from tests.unit.config_tree.host import Host

NOBODY = 65534


@pytest.fixture
def outside(folder: Path) -> Path:
    path = folder / "outside"
    path.mkdir()
    return path


def test_a_parent_that_leads_out_of_the_target_is_refused(host: Host, outside: Path) -> None:
    (host.root / "etc").symlink_to(outside)
    with pytest.raises(TreeError, match="leads out of"):
        host.apply({"etc/a": "one"})
    assert not any(outside.iterdir())


@pytest.mark.parametrize("target", ["../outside", "inner/../../outside"])
def test_a_relative_link_that_leads_out_is_refused(host: Host, outside: Path, target: str) -> None:
    (host.root / "inner").mkdir()
    (host.root / "etc").symlink_to(target)
    with pytest.raises(TreeError, match="leads out of"):
        host.apply({"etc/a": "one"})
    assert not any(outside.iterdir())


def test_a_link_within_the_target_is_followed(host: Host) -> None:
    (host.root / "usr/lib").mkdir(parents=True)
    (host.root / "lib").symlink_to("usr/lib")
    host.apply({"lib/a": "one"})
    assert host.files() == {"usr/lib/a": "one"}
    host.apply({})
    assert host.files() == {}
    assert (host.root / "usr/lib").is_dir()


def test_two_names_of_one_place_are_refused(host: Host) -> None:
    (host.root / "usr/lib").mkdir(parents=True)
    (host.root / "lib").symlink_to("usr/lib")
    with pytest.raises(TreeError, match="are the same place"):
        host.apply({"lib/a": "one", "usr/lib/a": "two"})


def test_a_parent_that_belongs_to_someone_else_is_refused(host: Host) -> None:
    (host.root / "real").mkdir()
    (host.root / "etc").symlink_to("real")
    os.chown(host.root / "etc", NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(TreeError, match="etc is a symlink that does not belong to root"):
        host.apply({"etc/a": "one"})


def test_a_loop_is_refused(host: Host) -> None:
    (host.root / "etc").symlink_to("etc")
    with pytest.raises(TreeError, match="too many symlinks"):
        host.apply({"etc/a": "one"})


def test_a_file_as_a_parent_is_refused(host: Host) -> None:
    host.put("etc")
    with pytest.raises(TreeError, match="is not a directory"):
        host.apply({"etc/a": "one"})


def test_the_last_component_is_replaced_and_not_followed(host: Host, outside: Path) -> None:
    (outside / "shadow").write_text("root's")
    (host.root / "a").symlink_to(outside / "shadow")
    host.apply({"a": "one"})
    assert (outside / "shadow").read_text() == "root's"
    assert not (host.root / "a").is_symlink()
    assert host.files() == {"a": "one"}


def test_a_hard_link_is_replaced_and_not_written_through(host: Host, outside: Path) -> None:
    (outside / "shadow").write_text("same")
    (outside / "shadow").chmod(0o600)
    os.link(outside / "shadow", host.root / "a")
    host.apply({"a": "same"})
    assert (outside / "shadow").stat().st_mode & 0o7777 == 0o600
    assert (host.root / "a").stat().st_mode & 0o7777 == 0o644


def test_a_removal_does_not_follow_a_planted_parent(host: Host, outside: Path) -> None:
    host.apply({"etc/a": "one"})
    (outside / "a").write_text("theirs")
    (host.root / "etc").rename(host.root / "elsewhere")
    (host.root / "etc").symlink_to(outside)
    with pytest.raises(TreeError, match="leads out of"):
        host.apply({})
    assert (outside / "a").read_text() == "theirs"


@pytest.fixture
def swapped(host: Host, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace a parent by a symlink after it was checked and before it is opened."""
    parent = host.root / "etc"
    parent.mkdir()
    path = View().resolve(str(host.root), str(parent / "a"))
    open_directory = place_module._open_directory

    def swap_and_open(directory: str) -> int:
        parent.rmdir()
        parent.symlink_to(outside)
        return open_directory(directory)

    monkeypatch.setattr(place_module, "_open_directory", swap_and_open)
    return Path(path)


def test_a_parent_that_is_swapped_at_the_last_moment_is_noticed(swapped: Path, outside: Path) -> None:
    with pytest.raises(TreeError, match="changed while it was in use"), Place(str(swapped)):
        pytest.fail("the planted symlink was followed")
    assert not any(outside.iterdir())


def test_a_planted_staged_name_is_not_written_through(host: Host, outside: Path) -> None:
    (outside / "shadow").write_text("root's")
    (host.root / "staged").symlink_to(outside / "shadow")
    with Place(str(host.root / "a")) as place:
        place.stage_file("staged", b"one", Node(FILE, os.geteuid(), os.getegid(), 0o644))
        place.commit("staged")
    assert (outside / "shadow").read_text() == "root's"
    assert host.files() == {"a": "one"}
