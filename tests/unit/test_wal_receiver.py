"""The program wal-receiver: where it goes on, what it removes, and what it gives for a restore."""

import json
import os
import tarfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.programs import load_program

PROGRAM = load_program("wal_receiver", "wal-receiver")
SYSTEM = "7300000000000000001"


def name(timeline: int, number: int) -> str:
    return str(PROGRAM.File(timeline, number))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.setattr(PROGRAM, "HOME", tmp_path)
    return PROGRAM


def receive(home: Path, timeline: int, numbers: range, *, partial: bool = True, system: str = SYSTEM) -> Path:
    """A stretch of these files, of which the last one is not full."""
    folder = home / system / name(timeline, numbers[0])
    folder.mkdir(parents=True)
    for number in numbers:
        is_partial = partial and number == numbers[-1]
        (folder / f"{name(timeline, number)}{'.partial' if is_partial else ''}").write_bytes(b"wal")
    return folder


def server(written: str, reserved: str | None, archived: str | None = None, system: str = SYSTEM) -> dict[str, Any]:
    return {"system": system, "written": written, "reserved": reserved, "archived": archived}


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**40 - 1), st.booleans())
def test_the_name_of_a_file_is_its_place(timeline: int, number: int, partial: bool) -> None:
    file = PROGRAM.File(timeline, number)
    assert PROGRAM.File.parse(f"{file}{'.partial' if partial else ''}") == file


@pytest.mark.parametrize("other", ["00000002.history", "0000000100000000000000A5.00000028.backup", "x", "", None])
def test_other_files_have_no_place(other: str | None) -> None:
    assert PROGRAM.File.parse(other) is None


def test_it_goes_on_where_it_was(program: ModuleType, tmp_path: Path) -> None:
    folder = receive(tmp_path, 1, range(3, 8))
    known = program.stretches(tmp_path, SYSTEM)
    for reserved in (3, 7, 8):
        state = server(name(1, 20), name(1, reserved))
        assert program.folder_to_go_on_in(tmp_path, state, known) == folder


@pytest.mark.parametrize(
    "state",
    [
        server(name(1, 20), name(1, 9)),
        server(name(2, 6), name(2, 5)),
        server(name(1, 6), name(1, 5), system="7300000000000000002"),
    ],
    ids=["away for too long", "restored", "another cluster"],
)
def test_it_begins_anew_where_it_can_not_go_on(program: ModuleType, tmp_path: Path, state: dict[str, Any]) -> None:
    receive(tmp_path, 1, range(3, 8))
    known = program.stretches(tmp_path, state["system"])
    fresh = program.folder_to_go_on_in(tmp_path, state, known)
    assert fresh == tmp_path / state["system"] / state["reserved"]
    assert not fresh.exists()


def test_without_a_slot_it_would_miss_something(program: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(program.ReceiverError, match="no slot"):
        program.folder_to_go_on_in(tmp_path, server(name(1, 1), None), [])


def test_what_is_archived_goes_but_for_a_margin(program: ModuleType, tmp_path: Path) -> None:
    folder = receive(tmp_path, 1, range(1, 11))
    clean(program, server(name(1, 10), name(1, 9), name(1, 8)), keep=3)
    left = sorted(path.name for path in folder.iterdir())
    assert left == [*(name(1, number) for number in range(6, 10)), f"{name(1, 10)}.partial"]


def test_what_is_left_of_a_stretch_that_ended_goes_when_it_is_archived(program: ModuleType, tmp_path: Path) -> None:
    ended = receive(tmp_path, 1, range(1, 4))
    goes_on = receive(tmp_path, 1, range(6, 11))
    clean(program, server(name(1, 10), name(1, 10), name(1, 9)), keep=2)
    assert not ended.exists()
    assert sorted(path.name for path in goes_on.iterdir()) == [name(1, 8), name(1, 9), f"{name(1, 10)}.partial"]


@given(
    st.integers(0, 30),
    st.sampled_from([1, 2]),
    st.integers(0, 5),
    st.lists(st.integers(1, 25), min_size=1, unique=True),
)
def test_what_is_not_archived_never_goes(archived: int, timeline: int, keep: int, numbers: list[int]) -> None:
    names = tuple(name(1, number) for number in sorted(numbers))
    stretch = PROGRAM.Stretch(Path("folder"), names)
    gone = PROGRAM.archived_names(stretch, PROGRAM.File(timeline, archived), keep, goes_on=True)
    assert all(timeline == 1 and PROGRAM.File.parse(file).number <= archived for file in gone)


@pytest.mark.parametrize("archived", [None, "00000002.history"])
def test_without_word_from_the_archive_nothing_goes(program: ModuleType, tmp_path: Path, archived: str | None) -> None:
    folder = receive(tmp_path, 1, range(1, 11))
    clean(program, server(name(1, 10), name(1, 9), archived), keep=0)
    assert len(list(folder.iterdir())) == 10


def test_what_came_before_a_restore_stays_for_a_month(program: ModuleType, tmp_path: Path) -> None:
    before = receive(tmp_path, 1, range(3, 8))
    other = receive(tmp_path, 1, range(1, 3), system="7300000000000000002")
    now = receive(tmp_path, 2, range(6, 9))
    state = server(name(2, 8), name(2, 8), name(2, 7))
    clean(program, state, keep=3)
    assert before.exists()
    assert other.exists()
    for folder in (before, other, now):
        old = time.time() - program.FORGOTTEN_AFTER - 1
        os.utime(folder, (old, old))
    clean(program, state, keep=3)
    assert not before.exists()
    assert not other.exists()
    assert now.exists()


def clean(program: ModuleType, state: dict[str, Any], keep: int) -> None:
    asked, program.server_state = program.server_state, lambda: state
    try:
        program.clean(keep)
    finally:
        program.server_state = asked


def tail(program: ModuleType, capsys: pytest.CaptureFixture[str], after: str, *file: Path) -> dict[str, Any]:
    program.tail(SYSTEM, after, *map(str, file))
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_restore_gets_what_comes_after_the_archive(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(tmp_path, 1, range(3, 8))
    names = [name(1, 6), f"{name(1, 7)}.partial"]
    assert tail(program, capsys, name(1, 5)) == {"names": names, "problem": ""}
    target = tmp_path / "out" / "tail.tar.gz"
    target.parent.mkdir()
    assert tail(program, capsys, name(1, 5), target)["names"] == names
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as tar:
        assert {entry.name: entry.size for entry in tar} == {
            name(1, 6): program.FILE_BYTES,
            name(1, 7): program.FILE_BYTES,
        }


def test_a_timeline_that_the_archive_has_not_got_comes_whole_with_its_history(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(tmp_path, 1, range(3, 8))
    folder = receive(tmp_path, 2, range(6, 8))
    (folder / "00000002.history").write_text("1\t0/6000000\tno recovery target specified\n")
    target = tmp_path / "tail.tar.gz"
    told = tail(program, capsys, name(1, 7), target)
    assert told["names"] == [name(2, 6), f"{name(2, 7)}.partial"]
    with tarfile.open(target) as tar:
        assert "00000002.history" in tar.getnames()


def test_an_archive_that_has_everything_needs_nothing(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(tmp_path, 1, range(3, 8), partial=False)
    assert tail(program, capsys, name(1, 7)) == {"names": [], "problem": ""}


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (name(1, 1), "it begins with 000000010000000000000003, and the archive ends with 000000010000000000000001"),
        (name(2, 9), "it has received nothing since the restore that began timeline 2"),
        ("", "the archive has no file that it could go on from"),
    ],
)
def test_what_does_not_fit_is_not_given(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], after: str, problem: str
) -> None:
    receive(tmp_path, 1, range(3, 8))
    assert tail(program, capsys, after) == {"names": [], "problem": problem}


def test_nothing_is_known_of_another_cluster(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receive(tmp_path, 1, range(3, 8), system="7300000000000000002")
    assert tail(program, capsys, name(1, 5))["problem"] == "it has received nothing of this cluster"
