"""The folders of releases: ids, completeness, removal."""

import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.releases import (
    MANIFEST,
    choose_release,
    complete_releases,
    discard,
    inputs_digest,
    occupied,
    point,
    prune,
    read_manifest,
    retained,
    target_name,
    write_manifest,
)


def make(releases: Path, name: str, *, built: str = "2026-01-01T00:00:00+0000", inputs: str = "a") -> Path:
    folder = releases / name
    (folder / "src").mkdir(parents=True)
    write_manifest(folder, {"built": built, "inputs": inputs})
    return folder


def test_new_version_gets_its_own_name(tmp_path: Path) -> None:
    assert choose_release(tmp_path, "abc", "a") == ("abc", False)


def test_same_version_and_inputs_are_the_same_release(tmp_path: Path) -> None:
    make(tmp_path, "abc", inputs="a")
    assert choose_release(tmp_path, "abc", "a") == ("abc", True)


def test_other_inputs_get_a_number(tmp_path: Path) -> None:
    make(tmp_path, "abc", inputs="a")
    assert choose_release(tmp_path, "abc", "b") == ("abc-2", False)
    make(tmp_path, "abc-2", inputs="b")
    assert choose_release(tmp_path, "abc", "b") == ("abc-2", True)
    assert choose_release(tmp_path, "abc", "c") == ("abc-3", False)


def test_half_built_release_is_built_again_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "abc" / "src").mkdir(parents=True)
    assert choose_release(tmp_path, "abc", "a") == ("abc", False)


def test_order_of_inputs_does_not_matter() -> None:
    assert inputs_digest({"a": 1, "b": [2]}) == inputs_digest({"b": [2], "a": 1})
    assert inputs_digest({"a": 1}) != inputs_digest({"a": 2})


def test_half_removed_release_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path, "abc")

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        discard(folder)
    assert (folder / "src").is_dir()
    assert read_manifest(folder) is None


def test_newest_releases_and_those_in_use_are_kept(tmp_path: Path) -> None:
    for day in range(1, 6):
        make(tmp_path, f"r{day}", built=f"2026-01-0{day}T00:00:00+0000")
    (tmp_path / "half").mkdir()
    assert complete_releases(tmp_path) == ["r5", "r4", "r3", "r2", "r1"]
    assert prune(tmp_path, 3, {"r1"}, set()) == ["half", "r2", "r3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r1", "r4", "r5"]


@pytest.mark.parametrize(
    ("keep", "used", "failed", "kept"),
    [
        (2, {"r1"}, set(), {"r1", "r4"}),
        (3, {"r2"}, {"r4", "r3"}, {"r2", "r1", "r4"}),
        (9, {"r2"}, {"r4"}, {"r1", "r2", "r3", "r4"}),
        (1, {"r1", "r2"}, {"r4"}, {"r1", "r2"}),
        (0, {"r1"}, set(), {"r1"}),
    ],
)
def test_failed_releases_go_first_and_those_in_use_never(
    keep: int, used: set[str], failed: set[str], kept: set[str]
) -> None:
    assert retained(["r4", "r3", "r2", "r1"], keep, used, failed) == kept


def test_pointing_replaces_a_link_and_what_an_interrupted_one_left(tmp_path: Path) -> None:
    link = tmp_path / "current"
    assert target_name(link) == ""
    (tmp_path / ".current.next").symlink_to("left")
    point(link, "releases/a")
    point(link, "releases/b")
    assert target_name(link) == "b"
    assert [path.name for path in tmp_path.iterdir()] == ["current"]


def test_manifest_is_never_half_written(tmp_path: Path) -> None:
    folder = make(tmp_path, "abc")
    assert [path.name for path in folder.iterdir() if "manifest" in path.name] == [MANIFEST]


def test_release_that_a_process_works_in_is_occupied(tmp_path: Path) -> None:
    old, new = make(tmp_path, "old"), make(tmp_path, "new")
    process = subprocess.Popen(["sleep", "60"], cwd=old / "src")
    elsewhere = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    try:
        assert occupied(tmp_path) == {old.name}
        assert occupied(new) == set()
    finally:
        for running in (process, elsewhere):
            running.kill()
            running.wait()
