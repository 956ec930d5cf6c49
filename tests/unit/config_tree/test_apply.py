"""config_tree on the host: what it writes, removes, puts back and remembers."""

import os
import shutil
from pathlib import Path

import pytest
from ansible.module_utils.config_tree.errors import TreeError

from tests.unit.config_tree.host import REFUSE, Host, directory, file


def test_the_first_run_writes_everything(host: Host) -> None:
    result = host.apply(
        {"etc/a.conf": file("one\n"), "etc/deep/b": file("two", mode=0o600)},
        directories={"srv/data": directory(0o750)},
        links={"etc/l": "a.conf"},
    )
    assert host.files() == {"etc/a.conf": "one\n", "etc/deep/b": "two"}
    assert (host.root / "etc/deep/b").stat().st_mode & 0o7777 == 0o600
    assert (host.root / "srv/data").stat().st_mode & 0o7777 == 0o750
    assert (host.root / "etc/l").readlink() == Path("a.conf")
    assert result["changed"]
    assert result["pending"] == ["reload"]
    assert f"{host.root}/etc/a.conf" in result["changed_paths"]


def test_the_second_run_changes_nothing(host: Host) -> None:
    tree = {"etc/a.conf": "one\n"}
    host.apply(tree, links={"etc/l": "a.conf"})
    host.settle()
    before = host.snapshot(), host.state_snapshot()
    result = host.apply(tree, links={"etc/l": "a.conf"})
    assert not result["changed"]
    assert (host.snapshot(), host.state_snapshot()) == before


@pytest.mark.parametrize("how", ["content", "mode", "removal"])
def test_what_somebody_did_to_a_file_is_undone(host: Host, how: str) -> None:
    host.apply({"a": "one"})
    host.settle()
    if how == "content":
        (host.root / "a").write_text("mine")
    elif how == "mode":
        (host.root / "a").chmod(0o666)
    else:
        (host.root / "a").unlink()
    assert host.apply({"a": "one"})["pending"] == ["reload"]
    assert host.files() == {"a": "one"}
    assert (host.root / "a").stat().st_mode & 0o7777 == 0o644


def test_what_is_no_longer_declared_goes_with_its_directories(host: Host) -> None:
    host.put("etc/other", "not ours")
    host.apply({"etc/sites/deep/a": "one", "etc/b": "two"}, links={"etc/sites/l": "x"})
    result = host.apply({"etc/b": "two"})
    assert host.files() == {"etc/other": "not ours", "etc/b": "two"}
    assert not (host.root / "etc/sites").exists()
    assert f"{host.root}/etc/sites/deep/a" in result["removed_paths"]
    assert f"{host.root}/etc/sites/l" in result["removed_paths"]


def test_a_directory_that_others_use_stays(host: Host) -> None:
    host.apply({"made/a": "one"})
    host.put("made/theirs", "not ours")
    host.apply({})
    assert host.files() == {"made/theirs": "not ours"}
    (host.root / "made/theirs").unlink()
    host.apply({})
    assert not (host.root / "made").exists()


def test_a_directory_that_was_there_stays(host: Host) -> None:
    (host.root / "there").mkdir()
    host.apply({"there/a": "one"})
    host.apply({})
    assert (host.root / "there").is_dir()


def test_what_was_there_before_comes_back(host: Host) -> None:
    host.put("etc/nginx.conf", "debian's", mode=0o640)
    (host.root / "etc/l").symlink_to("theirs")
    before = host.snapshot()
    host.apply({"etc/nginx.conf": "ours", "etc/l": "ours"})
    assert host.files() == {"etc/nginx.conf": "ours", "etc/l": "ours"}
    host.apply({"etc/nginx.conf": "ours, too", "etc/l": "ours"})
    result = host.apply({})
    assert host.snapshot() == before
    assert result["changed_paths"] == [f"{host.root}/etc/l", f"{host.root}/etc/nginx.conf"]
    assert not any(Path(host.state.originals).iterdir())


def test_what_was_there_before_does_not_come_back_to_a_place_that_is_gone(host: Host) -> None:
    host.put("etc/nginx/nginx.conf", "debian's")
    host.apply({"etc/nginx/nginx.conf": "ours"})
    shutil.rmtree(host.root / "etc/nginx")
    assert host.apply({"etc/other": "one"})["removed_paths"] == []
    assert host.files() == {"etc/other": "one"}


def test_an_equal_file_is_adopted_silently_and_stays(host: Host) -> None:
    host.put("a", "same")
    assert not host.apply({"a": "same"})["changed"]
    assert not host.apply({})["changed"]
    assert host.files() == {"a": "same"}


def test_absent_removes_what_others_made_and_gives_it_back(host: Host) -> None:
    host.put("etc/sites/default", "welcome")
    before = host.snapshot()
    assert host.apply(absent=["etc/sites/default", "etc/never"])["removed_paths"] == [f"{host.root}/etc/sites/default"]
    assert host.files() == {}
    host.settle()
    assert not host.apply(absent=["etc/sites/default", "etc/never"])["changed"]
    host.apply()
    assert host.snapshot() == before


def test_a_file_becomes_a_directory_and_back(host: Host) -> None:
    host.apply({"conf": "one", "d/x/y": "two"})
    host.apply({"conf/a": "one", "d": "two"})
    assert host.files() == {"conf/a": "one", "d": "two"}
    host.apply({"conf": "one", "d/x/y": "two"})
    assert host.files() == {"conf": "one", "d/x/y": "two"}


def test_directories_are_enforced_but_not_removed_while_in_use(host: Host) -> None:
    host.apply(directories={"srv/data": directory(0o750)})
    host.put("srv/data/upload")
    (host.root / "srv/data").chmod(0o777)
    assert host.apply(directories={"srv/data": directory(0o750)})["changed_paths"] == [f"{host.root}/srv/data"]
    assert (host.root / "srv/data").stat().st_mode & 0o7777 == 0o750
    host.apply()
    assert host.files() == {"srv/data/upload": ""}


def test_a_directory_is_never_replaced(host: Host) -> None:
    host.put("a/theirs", "not ours")
    before = host.snapshot()
    with pytest.raises(TreeError, match="a is a directory on the host"):
        host.apply({"b": "one", "a": "two"})
    assert host.snapshot() == before


def test_a_special_file_is_never_replaced(host: Host) -> None:
    os.mkfifo(host.root / "pipe")
    with pytest.raises(TreeError, match="special file"):
        host.apply({"pipe": "one"})


def test_an_unknown_owner_is_refused_before_anything_changes(host: Host) -> None:
    with pytest.raises(TreeError, match="the user 'nobody-of-this-name', which does not exist"):
        host.apply({"a": "one", "b": file() | {"owner": "nobody-of-this-name"}})
    assert host.snapshot() == {}


def test_validate_sees_the_new_files(host: Host) -> None:
    host.apply({"a": "one"}, validate=["grep", "-q", "one", str(host.root / "a")])
    with pytest.raises(TreeError):
        host.apply({"a": "two"}, validate=["grep", "-q", "one", str(host.root / "a")])
    assert host.files() == {"a": "one"}


def test_a_refused_tree_leaves_no_trace(host: Host) -> None:
    host.put("etc/theirs", "before us", mode=0o600)
    (host.root / "etc/l").symlink_to("somewhere")
    host.apply({"etc/a": "one", "etc/gone/b": "two"}, directories={"d": directory(0o700)})
    host.settle()
    before, state_before = host.snapshot(), host.state_snapshot()
    with pytest.raises(TreeError, match="failed with exit code 3; nothing was changed") as failure:
        host.apply(
            {"etc/a": file("three", mode=0o600), "etc/theirs": "ours", "new/c": "four", "etc/l": "a file"},
            directories={"d": directory(0o711)},
            links={"new/l": "c"},
            validate=REFUSE,
        )
    assert failure.value.output == "no good"
    assert host.snapshot() == before
    originals = {path for path in host.state_snapshot() if "/originals/" in path}
    assert {path: entry for path, entry in host.state_snapshot().items() if path not in originals} == state_before


def test_validate_runs_only_when_something_changed(host: Host) -> None:
    host.apply({"a": "one"})
    host.apply({"a": "one"}, validate=REFUSE)


def test_validate_is_bounded_in_time(host: Host) -> None:
    with pytest.raises(TreeError, match="took longer than 1 s; nothing was changed"):
        host.apply({"a": "one"}, validate=["sleep", "60"], validate_timeout=1)
    assert host.files() == {}


def test_validate_that_does_not_exist(host: Host) -> None:
    with pytest.raises(TreeError, match="no-such-command can't be run: No such file"):
        host.apply({"a": "one"}, validate=["no-such-command"])
    assert host.files() == {}


def test_the_output_of_validate_is_cut(host: Host) -> None:
    with pytest.raises(TreeError) as failure:
        host.apply({"a": "one"}, validate=["sh", "-c", "seq 1000; exit 1"])
    lines = failure.value.output.splitlines()
    assert len(lines) == 30
    assert lines[-1] == "1000"


def test_marks_stay_until_they_are_settled(host: Host) -> None:
    host.apply({"a": "one", "b": file("two", topic="restart"), "c": file("three", topic="")})
    result = host.apply({"a": "one", "b": file("two", topic="restart"), "c": file("three", topic="")})
    assert result["changed"]
    assert result["changed_paths"] == []
    assert result["pending"] == ["reload", "restart"]
    assert host.settle() == ["reload", "restart"]
    assert host.settle() == []
    assert not host.apply({"a": "one", "b": file("two", topic="restart"), "c": file("three", topic="")})["changed"]


def test_a_refused_tree_keeps_older_marks_only(host: Host) -> None:
    host.apply({"a": "one"})
    with pytest.raises(TreeError):
        host.apply({"a": "two", "b": file("three", topic="restart")}, validate=REFUSE)
    assert host.apply({"a": "one"})["pending"] == ["reload"]


def test_a_change_of_mode_notifies(host: Host) -> None:
    host.apply({"a": file("one", topic="restart")})
    host.settle()
    result = host.apply({"a": file("one", mode=0o600, topic="restart")})
    assert result["pending"] == ["restart"]


def test_a_removed_file_notifies_its_own_topic(host: Host) -> None:
    host.apply({"a": file("one", topic="restart")})
    host.settle()
    assert host.apply({})["pending"] == ["restart"]


def test_files_that_are_not_text_survive(host: Host) -> None:
    content = bytes(range(256))
    host.apply({"a": content.decode("utf-8", "surrogateescape")})
    assert (host.root / "a").read_bytes() == content


def test_the_state_is_for_root_alone(host: Host) -> None:
    host.apply({"a": file("secret", secret=True, mode=0o600)})
    for path, entry in host.state_snapshot().items():
        assert entry[1] & 0o077 == 0, path


def test_the_target_directory_is_made(host: Host) -> None:
    host.root.rmdir()
    host.apply({"a/b": "one"})
    assert host.files() == {"a/b": "one"}
