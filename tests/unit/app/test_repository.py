"""What a version stands for in a git repository, and what is told about its address."""

import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.repository import Repository, commit_of, public

LISTING = """\
1111\trefs/heads/v1
2222\trefs/heads/feature/v1
3333\trefs/tags/v1
4444\trefs/tags/v1^{}
5555\trefs/heads/main
"""


def test_tag_comes_before_branch_and_means_its_commit() -> None:
    assert commit_of(LISTING, "v1") == "4444"


def test_branch_of_another_folder_does_not_match() -> None:
    assert commit_of("2222\trefs/heads/feature/v1\n", "v1") == ""
    assert commit_of(LISTING, "main") == "5555"
    assert commit_of("6666\tHEAD\n", "HEAD") == "6666"


def test_password_is_not_told() -> None:
    assert public("https://anna:secret@git.example.com/a.git") == "https://git.example.com/a.git"
    assert public("git@git.example.com:a.git") == "git@git.example.com:a.git"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    (folder / "app.py").write_text("one\n")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=one"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return folder


def commit(origin: Path) -> str:
    shown = subprocess.run(["git", "-C", str(origin), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return shown.stdout.strip()


def test_commit_is_found_fetched_and_exported(tmp_path: Path, origin: Path) -> None:
    repository = Repository(tmp_path / "repo.git", str(origin))
    wanted = commit(origin)
    assert repository.resolve("v1") == repository.resolve("main") == repository.resolve("") == wanted
    assert repository.fetch("v1", wanted) == wanted
    assert repository.fetch(wanted[:8], repository.resolve(wanted[:8])) == wanted
    source = tmp_path / "src"
    source.mkdir()
    repository.export(wanted, source)
    assert [path.name for path in source.iterdir()] == ["app.py"]


def test_unknown_version_is_named(tmp_path: Path, origin: Path) -> None:
    repository = Repository(tmp_path / "repo.git", str(origin))
    with pytest.raises(ReleaseError, match="no branch, tag or commit v9"):
        repository.fetch("v9", repository.resolve("v9"))
