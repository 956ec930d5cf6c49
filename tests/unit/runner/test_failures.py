from typing import Any

import pytest

from roost.events import Status
from roost.failures import Failure, failure_of
from tests.unit.runner import result


def failed(returned: dict[str, Any], status: Status = Status.FAILED) -> Failure:
    return failure_of(result("ansible.builtin.command", returned, status))


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ({"msg": "No package nginy"}, ["No package nginy"]),
        ({"msg": "Task failed: Assertion failed"}, ["Assertion failed"]),
        ({"msg": "non-zero return code", "stderr": "[emerg] boom", "stdout": "noise"}, ["[emerg] boom"]),
        ({"msg": "The command exited with a non-zero return code.", "stdout": "why"}, ["why"]),
        ({"msg": "non-zero return code"}, ["non-zero return code"]),
        ({"msg": "MODULE FAILURE\nSee stdout/stderr", "module_stderr": "Trace\nKeyError: x"}, ["Trace", "KeyError: x"]),
        ({"msg": ["one", "two"]}, ["one", "two"]),
        ({"censored": "..."}, ["(The output is hidden because it may hold a secret.)"]),
        ({}, ["(The module gave no reason.)"]),
    ],
)
def test_the_reason_is_what_tells_something(returned: dict[str, Any], reason: list[str]) -> None:
    assert list(failed(returned).reason) == reason


def test_a_long_reason_is_cut() -> None:
    failure = failed({"msg": "\n".join([f"{n}" * 1000 for n in range(30)])})
    assert len(failure.reason) == 7
    assert max(map(len, failure.reason)) == 300
    assert [line[:4] for line in failure.reason] == ["0000", "... ", "2525", "2626", "2727", "2828", "2929"]
    assert failure.reason[1] == "... (24 more lines)"


def test_the_end_of_a_long_output_is_kept() -> None:
    failure = failed({"msg": "non-zero return code", "stderr": "\n".join(f"line {n}" for n in range(50))})
    assert failure.reason[-1] == "line 49"


def test_a_loop_tells_which_items_failed() -> None:
    items = [
        {"item": 0, "rc": 0, "stderr": "fine"},
        {"item": 1, "rc": 1, "msg": "non-zero return code", "stderr": "bad 1"},
    ]
    assert failed({"msg": "One or more items failed", "results": items}).reason == ("1: bad 1",)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("Host key verification failed.", "host key"),
        ("Permission denied (publickey).", "ssh-add"),
        ("Missing sudo password", "sudo without a password"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", "Another apt"),
        ("OSError: [Errno 28] No space left on device", "full"),
        ("psycopg.errors.InsufficientPrivilege: permission denied for schema public", "release_commands"),
        ("Temporary failure resolving 'mirror.example'", "resolv.conf"),
        ("something else", "same command again"),
    ],
)
def test_the_next_step_fits_the_reason(text: str, step: str) -> None:
    assert step in failed({"msg": text}).next_step


def test_an_unreachable_host_and_a_held_lock_are_told_apart() -> None:
    assert "hosts.yml" in failed({"msg": "timed out"}, Status.UNREACHABLE).next_step
    locked = failed({"msg": "held by ada", "rc": 75})
    assert locked.locked
    assert "other deploy" in locked.next_step
