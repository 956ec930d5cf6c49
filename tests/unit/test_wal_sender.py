"""The program wal-sender: when commits wait for the receiver, and what it does to the server."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.programs import load_program

PROGRAM = load_program("wal_sender", "wal-sender")


@pytest.fixture
def program() -> ModuleType:
    return PROGRAM


def observed(looks: list[tuple[int, int | None]], waits: bool = False) -> list[bool]:
    """Whether commits wait after each look, one a second, at what is written and received."""
    watch, told = PROGRAM.Watch(0), []
    for now, (written, received) in enumerate(looks, 1):
        watch.look(now, written, received)
        waits = watch.wanted(now, waits)
        told.append(waits)
    return told


def test_a_receiver_that_has_everything_for_a_while_is_waited_for() -> None:
    assert observed([(100 + n, 100 + n) for n in range(6)]) == [False] * 4 + [True] * 2


def test_nobody_waits_for_a_receiver_that_never_comes() -> None:
    assert not any(observed([(n, None) for n in range(100)]))


def test_one_that_goes_is_waited_for_no_longer_than_ten_seconds() -> None:
    told = observed([(1, 1)] * 10 + [(1, None)] * 20, waits=True)
    assert told.index(False) == 10 + PROGRAM.PATIENCE


def test_one_that_hangs_while_it_is_connected_is_no_better() -> None:
    told = observed([(1, 1)] * 10 + [(2, 1)] * 20, waits=True)
    assert told.index(False) == 10 + PROGRAM.PATIENCE


def test_one_that_follows_at_a_distance_of_a_second_is_waited_for() -> None:
    assert all(observed([(n + 1, n) for n in range(100)], waits=True))


def test_one_that_was_away_has_to_catch_up_first() -> None:
    away: list[tuple[int, int | None]] = [(n, None) for n in range(20)]
    catching_up: list[tuple[int, int | None]] = [(20 + n, n) for n in range(10)]
    there: list[tuple[int, int | None]] = [(40, 40)] * 10
    told = observed(away + catching_up + there)
    assert not any(told[: 30 + PROGRAM.STEADY - 1])
    assert told[-1]


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=60), st.booleans())
def test_whatever_happens_nobody_waits_for_long_for_what_is_not_there(
    looks: list[tuple[int, int | None]], waits: bool
) -> None:
    gone = [(100 + n, None) for n in range(PROGRAM.PATIENCE + 3)]
    assert not observed([*looks, *gone], waits)[-1]


class Server:
    """What the program runs as SQL."""

    def __init__(self, sender: Any) -> None:
        self.ran: list[str] = []
        sender.run = self.ran.append


def test_waiting_is_a_file_that_the_server_reads(program: ModuleType, tmp_path: Path) -> None:
    sender = program.Sender("5432", tmp_path)
    server = Server(sender)
    assert not sender.waits
    sender.wait_for_receiver(True)
    assert sender.waits
    assert (tmp_path / "synchronous.conf").read_text() == "synchronous_standby_names = 'roost_receiver'\n"
    sender.wait_for_receiver(False)
    assert list(tmp_path.iterdir()) == []
    assert server.ran == [program.RELOAD] * 2


@pytest.mark.parametrize(
    ("state", "statements"),
    [
        (None, ["MAKE_SLOT"]),
        ("lost", ["DROP_LOST_SLOT", "MAKE_SLOT"]),
        ("reserved", []),
        ("extended", []),
        ("unreserved", []),
    ],
)
def test_a_slot_that_is_missing_or_lost_is_made(
    program: ModuleType, tmp_path: Path, state: str | None, statements: list[str]
) -> None:
    sender = program.Sender("5432", tmp_path)
    server = Server(sender)
    sender.mend_slot(state)
    assert server.ran == [getattr(program, name) for name in statements]


def test_how_it_stands_is_written_down(program: ModuleType, tmp_path: Path) -> None:
    sender = program.Sender("5432", tmp_path)
    sender.write_down({"written": 30, "received": 10, "waits": True}, 1.4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["receiver.prom", "state.json"]
    state = program.json.loads((tmp_path / "state.json").read_text())
    assert state == {"connected": True, "waits": True, "behind_seconds": 1, "behind_bytes": 20}
    samples = [line for line in (tmp_path / "receiver.prom").read_text().splitlines() if not line.startswith("#")]
    assert samples == ["roost_receiver_connected 1", "roost_receiver_synchronous 1", "roost_receiver_behind_seconds 1"]
