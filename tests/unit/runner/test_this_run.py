"""Which run this is, whether another one has ended, and who runs it."""

import subprocess

import pytest

from roost.operator_name import operator_name
from roost.this_run import is_gone, this_run


def test_a_run_is_known_to_be_gone_only_when_its_process_has_ended() -> None:
    this = this_run()
    machine, process, started = this.rsplit("/", 2)
    assert int(process) > 0
    assert this_run() == this
    assert not is_gone(this)
    assert is_gone(f"{machine}/{process}/{int(started) + 1}")
    ended = subprocess.Popen(["true"])
    assert ended.wait() == 0
    assert is_gone(f"{machine}/{ended.pid}/1")


def test_a_process_that_nobody_has_reaped_has_ended() -> None:
    machine = this_run().rsplit("/", 2)[0]
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert is_gone(f"{machine}/{process.pid}/1")


@pytest.mark.parametrize("run", ["another-machine/1/1", "/1/1", "another-machine/1/"])
def test_nothing_is_known_of_runs_elsewhere(run: str) -> None:
    assert not is_gone(run)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"USER": "anna"}, "anna@laptop"),
        ({"USER": "root", "SUDO_USER": "anna"}, "anna@laptop"),
        ({"USER": "runner", "GITHUB_ACTOR": "anna-b"}, "anna-b@laptop"),
        ({"GITLAB_USER_LOGIN": "ben", "ROOST_WHO": "release train"}, "release train@laptop"),
        ({}, "somebody@laptop"),
        ({"USER": "a\x1b[2J\nb" + "c" * 200}, ("a[2Jb" + "c" * 200)[:100]),
    ],
)
def test_the_operator_is_whoever_started_it(environment: dict[str, str], name: str) -> None:
    assert operator_name(environment, "laptop.example.com") == name
