"""The commands that show logs, and what is made of their output."""

import shlex
import sys
import time

import pytest

from roost.logs import Kind, show_command
from roost.streams import stream


def test_the_web_processes_of_both_slots_are_one_journal() -> None:
    command = show_command(Kind.WEB, "atlas", 20, follow=False)
    assert command[0] == "journalctl"
    assert {"--unit=atlas@blue.service", "--unit=atlas@green.service", "--lines=20"} <= set(command)
    assert "--unit=atlas-frontend@blue.service" in command
    assert "--follow" not in command


def test_celery_programs_are_found_on_the_host() -> None:
    assert show_command(Kind.CELERY, "atlas", 5, follow=False) == [
        "sh",
        "-c",
        "exec tail --lines=5 /var/log/roost/atlas/*.log",
    ]


def test_a_site_has_two_logs() -> None:
    assert show_command(Kind.NGINX, "atlas", 5, follow=False)[-2:] == [
        "/var/log/nginx/atlas.access.log",
        "/var/log/nginx/atlas.error.log",
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_following_survives_a_rotation_and_ends_with_the_connection(kind: Kind) -> None:
    command = show_command(kind, "atlas", 5, follow=True)
    assert command[:2] == ["sh", "-c"]
    assert "--follow" in shlex.join(command)
    assert kind is Kind.WEB or "--follow=name --retry" in shlex.join(command)


def test_one_command_is_printed_as_it_is_and_several_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert stream({"vm1": ["echo", "hello"]}) == {"vm1": 0}
    assert capsys.readouterr().out == "hello\n"
    assert stream({"vm1": ["echo", "a"], "longer": ["sh", "-c", "echo b >&2; exit 3"]}) == {"vm1": 0, "longer": 3}
    assert sorted(capsys.readouterr().out.splitlines()) == ["longer | b", "vm1    | a"]


def test_what_runs_is_ended_when_the_call_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("roost.streams._print_all", interrupt)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stream({"vm1": [sys.executable, "-c", "import sys; sys.stdin.read()"], "vm2": ["sleep", "60"]})
    assert time.monotonic() - started < 5
