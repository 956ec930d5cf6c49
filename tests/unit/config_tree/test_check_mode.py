"""config_tree in check mode, and its differences: exact, without a write, without a secret."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.config_tree.errors import TreeError

from tests.unit.config_tree.host import REFUSE, Host, directory, file, without_times

SECRET = "hunter2-hunter2"
TREE: dict[str, Any] = {
    "files": {"etc/a": "two", "etc/theirs": "ours", "new/b": file("b", 0o600, topic="restart")},
    "links": {"new/link": "b"},
    "directories": {"srv": directory(0o700)},
    "absent": ["etc/unwanted"],
}


@pytest.fixture
def used(host: Host) -> Host:
    host.put("etc/theirs", "before us")
    host.put("etc/unwanted", "default")
    host.apply({"etc/a": "one", "gone/x": "x"}, directories={"srv": directory(0o750)})
    host.settle()
    return host


@pytest.mark.parametrize("kind", ["bare", "used"])
def test_check_mode_tells_exactly_what_would_happen(kind: str, request: pytest.FixtureRequest) -> None:
    host = request.getfixturevalue("host" if kind == "bare" else "used")
    before = host.snapshot(), host.state_snapshot()
    told = host.apply(**TREE, check=True)
    assert (host.snapshot(), host.state_snapshot()) == before
    assert host.apply(**TREE) == told
    host.settle()
    assert host.apply(**TREE, check=True) == {
        "changed": False,
        "changed_paths": [],
        "removed_paths": [],
        "pending": [],
        "diff": [],
    }


def test_check_mode_tells_of_marks(host: Host) -> None:
    host.apply({"a": "one"})
    assert host.apply({"a": "one"}, check=True)["pending"] == ["reload"]


def test_check_mode_does_not_run_validate(host: Host) -> None:
    assert host.apply({"a": "one"}, check=True, validate=REFUSE)["changed"]


def test_check_mode_tolerates_an_owner_that_does_not_exist_yet(host: Host) -> None:
    entry = file("one") | {"owner": "nobody-of-this-name", "group": "nobody-of-this-name"}
    host.put("b", "one")
    assert host.apply({"a": entry, "b": entry}, check=True)["changed_paths"] == [f"{host.root}/a", f"{host.root}/b"]


def test_check_mode_refuses_what_a_run_refuses(host: Host) -> None:
    (host.root / "a").mkdir()
    with pytest.raises(TreeError, match="a is a directory on the host"):
        host.apply({"a": "one"}, check=True)


def test_a_difference_shows_content_and_properties(host: Host) -> None:
    host.apply({"a": "one\n", "b": "same"})
    first, second = host.apply({"a": "two\n", "b": file("same", mode=0o600)})["diff"]
    assert (first["before"], first["after"]) == ("one\n", "two\n")
    assert first["after_header"] == f"{host.root}/a (file, mode 0644, owner {os.geteuid()}:{os.getegid()})"
    assert "mode 0644" in second["before"]
    assert "mode 0600" in second["after"]


def test_a_difference_of_bytes_tells_their_number(host: Host) -> None:
    content = b"\xff\xfe\x00".decode("utf-8", "surrogateescape")
    assert host.apply({"a": content})["diff"][0]["after"] == "(3 bytes that are not text)\n"


@pytest.mark.parametrize("check", [True, False])
def test_a_secret_is_never_shown(host: Host, check: bool) -> None:
    results = [host.apply({"a": file(SECRET, secret=True)}, check=check)]
    host.apply({"a": file(SECRET, secret=True)})
    results.append(host.apply({"a": file(SECRET + " new", secret=True)}, check=check))
    results.append(host.apply({"a": file("no secret any more")}, check=check))
    host.apply({"a": file(SECRET, secret=True)})
    results.append(host.apply({}, check=check))
    assert all(result["changed_paths"] or result["removed_paths"] for result in results)
    assert "(secret content changed)" in json.dumps(results[1])
    assert SECRET not in json.dumps(results)


@pytest.mark.parametrize("line", ["requirepass {}", 'KEY="{}"', "KEY={}", "password: '{}';", "{}"])
def test_a_command_that_prints_a_secret_is_not_quoted(host: Host, line: str) -> None:
    tree = {"a": file(line.format(SECRET) + "\nport 6379\n", secret=True)}
    with pytest.raises(TreeError) as failure:
        host.apply(tree, validate=["sh", "-c", f"echo line 1 of a has {SECRET}; cat {host.root}/a; exit 1"])
    assert failure.value.output.startswith("line 1 of a has (hidden)\n(hidden)")
    assert SECRET not in failure.value.output


def test_a_run_without_its_state_adopts_what_it_finds(host: Host) -> None:
    host.apply({"a": "one"})
    before = without_times(host.snapshot())
    shutil.rmtree(Path(host.state.directory))
    assert not host.apply({"a": "one"})["changed"]
    assert without_times(host.snapshot()) == before
