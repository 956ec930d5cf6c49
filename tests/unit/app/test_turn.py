"""An application's turn: one run has it, and a run that was killed keeps nobody waiting."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_app import turn as turn_module
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.errors import LockHeldError, ReleaseError, as_result
from ansible.module_utils.roost_app.history import read
from ansible.module_utils.roost_app.operator_lock import OperatorLock, write_lock
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.turn import BUILD, STALE_AFTER_SECONDS, Turn, TurnTakenError, end, read_turn, take
from ansible.module_utils.roost_app.turns import take_all

from tests.support.modules import load_module

app_lock = load_module("app_lock")
SINCE = "2026-01-01T00:00:00Z"

HOLDER = """
import fcntl, subprocess, sys
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
child.wait()
"""


def anna(**changes: Any) -> Turn:
    return replace(Turn("machine/1/1", "anna@laptop", "deploy", SINCE, time.time()), **changes)


def ben() -> Turn:
    return anna(run="machine/2/2", who="ben@ci")


def fill_disk(paths: AppPaths) -> None:
    """Let the next note in the turn find the disk full."""
    paths.turn.with_name(f".{paths.turn.name}.next").symlink_to("/dev/full")


@pytest.fixture
def holder(paths: AppPaths) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the kernel's lock while a child of its works."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(paths.lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()


def test_while_one_run_has_the_turn_others_learn_whose_it_is(paths: AppPaths) -> None:
    assert take(paths, anna(phase=BUILD)) is None
    with pytest.raises(TurnTakenError) as raised:
        take(paths, ben())
    assert raised.value.exit_code == 75
    assert f"a deploy by anna@laptop is running since {SINCE} in its phase build" in str(raised.value)
    assert end(paths, ben().run) is None
    assert end(paths, anna().run) is not None
    take(paths, ben())
    assert (paths.turn.stat().st_mode & 0o777) == 0o640


def test_a_run_may_take_its_own_turn_again(paths: AppPaths) -> None:
    take(paths, anna())
    assert take(paths, anna()) is None


def test_a_turn_without_a_sign_of_life_is_taken_over_and_recorded(paths: AppPaths) -> None:
    take(paths, anna(seen=time.time() - STALE_AFTER_SECONDS - 1, phase=BUILD, release="three", phases={"source": 1.5}))
    abandoned = take(paths, ben())
    assert abandoned is not None
    (entry,) = read(paths.history)
    assert (entry.release, entry.outcome, entry.who, entry.phases) == (
        "three",
        "abandoned",
        "anna@laptop",
        {"source": 1.5},
    )
    assert entry.reason == "the run ended without a word in its phase build"


def test_a_run_that_is_known_to_be_gone_is_taken_over_at_once(paths: AppPaths) -> None:
    take(paths, anna())
    assert take(paths, ben(), gone=anna().run) is not None
    turn = read_turn(paths)
    assert turn is not None
    assert turn.who == "ben@ci"


def test_an_attempt_that_the_history_knows_is_not_recorded_again(paths: AppPaths) -> None:
    take(paths, anna(outcome="live"))
    take(paths, ben(), gone=anna().run)
    assert read(paths.history) == []


def test_what_a_killed_build_left_is_removed(paths: AppPaths) -> None:
    (paths.release("half") / "src").mkdir(parents=True)
    take(paths, anna())
    assert sorted(folder.name for folder in paths.releases.iterdir()) == ["one", "two"]


def test_the_build_of_a_killed_run_is_ended(paths: AppPaths, holder: tuple[subprocess.Popen[str], int]) -> None:
    process, child = holder
    take_without_lock(paths, anna(phase=BUILD, pid=process.pid))
    take(paths, ben(), gone=anna().run)
    assert process.wait(timeout=10) < 0
    assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()


def test_other_work_of_a_killed_run_is_waited_for(
    paths: AppPaths, holder: tuple[subprocess.Popen[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, child = holder
    take_without_lock(paths, anna(phase="release_commands", pid=process.pid))
    monkeypatch.setattr(time, "sleep", lambda _: subprocess.run(["kill", str(child)], check=False))
    take(paths, ben(), gone=anna().run)
    assert process.wait(timeout=10) == 0


def test_a_number_of_a_process_that_is_another_one_now_is_left_alone(paths: AppPaths) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    take_without_lock(paths, anna(phase=BUILD, pid=bystander.pid))
    take(paths, ben(), gone=anna().run)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_every_phase_renews_the_turn_and_adds_its_time(paths: AppPaths) -> None:
    take(paths, anna(seen=1.0))
    attempt = Attempt.of_built(paths, "one", "anna@laptop", run=anna().run)
    with attempt.at_work("release_commands"), attempt.phase("release_commands"):
        during = read_turn(paths)
        assert during is not None
        assert (during.phase, during.release) == ("release_commands", "one")
        assert during.seen > 1
        assert during.pid > 0
    later = Attempt.of_built(paths, "one", "anna@laptop", run=anna().run)
    assert set(later.phases) == {"release_commands"}
    later.record_live()
    ended = end(paths, anna().run)
    assert ended is not None
    assert (ended.outcome, ended.pid) == ("live", 0)


def test_a_failure_is_told_when_the_turn_ends(paths: AppPaths) -> None:
    take(paths, anna())
    attempt = Attempt.of_built(paths, "one", "anna@laptop", run=anna().run)
    with pytest.raises(ReleaseError), attempt.at_work("switch"), attempt.recorded_if_it_fails():
        raise ReleaseError("on fire")
    ended = end(paths, anna().run)
    assert ended is not None
    assert (ended.outcome, ended.reason, ended.phase) == ("failed", "on fire", "switch")


def test_a_full_disk_does_not_hide_why_a_phase_failed(paths: AppPaths) -> None:
    def fail_on_full_disk() -> None:
        with attempt.at_work("switch"), attempt.phase("switch"):
            fill_disk(paths)
            raise ReleaseError("on fire")

    take(paths, anna())
    attempt = Attempt.of_built(paths, "one", "anna@laptop", run=anna().run)
    with pytest.raises(ReleaseError, match="on fire"):
        fail_on_full_disk()


def test_a_full_disk_ends_a_module_with_a_message(paths: AppPaths) -> None:
    fill_disk(paths)
    with pytest.raises(OSError, match="No space left") as raised:
        take(paths, anna())
    assert as_result(raised.value) == {"msg": str(raised.value), "rc": 5}


def test_going_back_leaves_a_failed_attempt_failed(paths: AppPaths) -> None:
    take(paths, anna())
    attempt = Attempt.of_built(paths, "two", "anna@laptop", run=anna().run)
    with pytest.raises(ReleaseError), attempt.at_work("after_switch"), attempt.recorded_if_it_fails():
        raise ReleaseError("on fire")
    back = Attempt.of_built(paths, "one", "anna@laptop", "rollback", anna().run)
    with back.at_work("switch"):
        back.record_live()
    ended = end(paths, anna().run)
    assert ended is not None
    assert (ended.outcome, ended.phase, ended.release) == ("failed", "after_switch", "two")


def test_a_run_that_lost_its_turn_does_nothing_more(paths: AppPaths) -> None:
    attempt = Attempt.of_built(paths, "one", "anna@laptop", run=anna().run)
    take(paths, ben())
    with pytest.raises(LockHeldError, match="by ben@ci"), attempt.at_work("switch"):
        pytest.fail("it worked")
    app_lock.unlock([paths], False)
    with pytest.raises(LockHeldError, match="roost unlock"), attempt.at_work("switch"):
        pytest.fail("it worked")


def test_a_locked_application_gives_no_turn(paths: AppPaths) -> None:
    write_lock(paths.operator_lock, OperatorLock("ben", SINCE, "holidays"))
    with pytest.raises(LockHeldError, match="locked by ben"):
        take(paths, anna())


def test_a_torn_turn_is_nobodys(paths: AppPaths) -> None:
    paths.turn.write_text('{"run": "mach')
    take(paths, anna())
    assert json.loads(paths.turn.read_text())["who"] == "anna@laptop"


def test_all_turns_are_taken_or_none(paths: AppPaths, tmp_path: Path) -> None:
    other = AppPaths("pulse", tmp_path)
    other.root.mkdir(parents=True)
    take(other, ben())
    with pytest.raises(TurnTakenError):
        take_all([paths, other], anna(), "")
    assert read_turn(paths) is None
    end(other, ben().run)
    assert take_all([paths, other], anna(), "") == []
    (told, _) = take_all([paths, other], ben(), anna().run)
    assert told == f"atlas: a deploy by anna@laptop since {SINCE} was abandoned"


def take_without_lock(paths: AppPaths, turn: Turn) -> None:
    """Leave a turn as a killed run does while a process of its holds the kernel's lock."""
    turn_module.write_turn(paths, turn)
