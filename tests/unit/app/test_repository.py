"""What a version stands for in a git repository, and what is told about its address."""

import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.repository import Repository, commit_of, public
from ansible.module_utils.roost_app.ssh_access import SshAccess, in_memory, known_name

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


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(origin: Path, text: str) -> str:
    """Commit a new version of the only file and return the commit."""
    (origin / "app.py").write_text(text)
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", f"--message={text}")
    return git(origin, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "one")
    git(folder, "tag", "--annotate", "v1.0", "--message=first")
    return folder


@pytest.fixture
def repository(tmp_path: Path, origin: Path) -> Repository:
    return Repository(tmp_path / "repo.git", f"file://{origin}", SshAccess(tmp_path / "known_hosts"))


def fetched(repository: Repository, version: str) -> str:
    return repository.fetch(version, repository.resolve(version))


def test_each_way_to_name_a_commit_leads_to_it(repository: Repository, origin: Path) -> None:
    wanted = git(origin, "rev-parse", "HEAD")
    assert git(origin, "rev-parse", "v1.0") != wanted
    for version in ("v1.0", "main", "", wanted, wanted[:8]):
        assert fetched(repository, version) == wanted, version
    assert repository.resolve(wanted[:8]) == wanted


def test_a_branch_that_moves_is_another_commit(repository: Repository, origin: Path) -> None:
    first = fetched(repository, "main")
    second = commit(origin, "two")
    assert fetched(repository, "main") == second != first
    git(origin, "reset", "--quiet", "--hard", first)
    third = commit(origin, "three")
    assert fetched(repository, "main") == third


def test_a_commit_on_no_branch_is_fetched_by_its_full_name(repository: Repository, origin: Path) -> None:
    first = fetched(repository, "main")
    lost = commit(origin, "two")
    git(origin, "reset", "--quiet", "--hard", first)
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    assert fetched(repository, lost) == lost


def test_an_export_holds_the_files_and_only_their_owner_may_write(
    tmp_path: Path, repository: Repository, origin: Path
) -> None:
    (origin / "run.sh").write_text("#!/bin/sh\n")
    (origin / "run.sh").chmod(0o755)
    (origin / "link").symlink_to("app.py")
    wanted = commit(origin, "two")
    fetched(repository, wanted)
    source = tmp_path / "src"
    source.mkdir()
    repository.export(wanted, source)
    modes = {path.name: path.lstat().st_mode & 0o777 for path in source.iterdir()}
    assert modes == {"app.py": 0o644, "run.sh": 0o755, "link": 0o777}
    assert (source / "link").readlink() == Path("app.py")


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("v1.O", 'no branch, tag or commit v1.O. Did you mean "v1.0"?'),
        ("release", "There are, for instance: main, v1.0."),
        ("0" * 40, "no branch, tag or commit 0000"),
        ("0000000", "no branch, tag or commit 0000000."),
    ],
)
def test_an_unknown_version_is_refused_with_those_there_are(repository: Repository, version: str, told: str) -> None:
    with pytest.raises(ReleaseError) as refused:
        fetched(repository, version)
    assert told in str(refused.value)


def test_a_damaged_copy_is_made_anew(tmp_path: Path, repository: Repository, origin: Path) -> None:
    fetched(repository, "main")
    (tmp_path / "repo.git/refs/heads/main.lock").touch()
    assert fetched(repository, "main") == git(origin, "rev-parse", "HEAD")
    second = commit(origin, "two")
    assert fetched(repository, "main") == second


def test_an_unreachable_repository_is_named(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo.git", f"file://{tmp_path}/none", SshAccess(tmp_path / "known_hosts"))
    with pytest.raises(ReleaseError, match=r"none' does not appear to be a git repository"):
        repository.resolve("main")
    assert not (tmp_path / "repo.git").exists()


def test_submodules_and_large_files_are_told(repository: Repository, origin: Path) -> None:
    assert repository.left_out(fetched(repository, "main")) == []
    git(origin, "submodule", "--quiet", "add", f"file://{origin}", "vendor/other thing")
    (origin / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    assert repository.left_out(fetched(repository, commit(origin, "two"))) == [
        "the submodule vendor/other thing is left out",
        "files in Git LFS are left out: only their pointers are there",
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@git.example.com:team/atlas.git", "git.example.com"),
        ("ssh://git@git.example.com/atlas.git", "git.example.com"),
        ("ssh://git@git.example.com:22/atlas.git", "git.example.com"),
        ("ssh://git@git.example.com:2222/atlas.git", "[git.example.com]:2222"),
        ("https://git.example.com/atlas.git", "git.example.com"),
        ("file:///srv/atlas.git", "file:///srv/atlas.git"),
    ],
)
def test_a_server_is_known_by_its_name_and_an_unusual_port(url: str, name: str) -> None:
    assert known_name(url) == name


def test_a_key_is_private_and_gone_afterwards() -> None:
    with in_memory("a key\n") as path:
        assert Path(path).stat().st_mode & 0o777 == 0o600
        assert subprocess.run(["cat", path], capture_output=True, check=True).stdout == b"a key\n"
    assert not Path(path).exists()


def test_a_key_is_in_no_argument_and_in_no_variable() -> None:
    access = SshAccess(Path("/srv/atlas/known_hosts"), "the private key", ("ssh-ed25519 AAAA",))
    with access.environment("git@git.example.com:atlas.git") as environment:
        assert "the private key" not in str(environment)
        assert "StrictHostKeyChecking=yes" in environment["GIT_SSH_COMMAND"]
        assert "IdentitiesOnly=yes" in environment["GIT_SSH_COMMAND"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("git@h: Permission denied (publickey).", "git.example.com lets nobody in without a key: declare a deploy key"),
        ("Host key verification failed.", "is not the one that is kept in /srv/atlas/known_hosts"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "use its ssh address"),
        ("Could not resolve host", "Could not resolve host"),
    ],
)
def test_what_ssh_says_is_explained(said: str, told: str) -> None:
    access = SshAccess(Path("/srv/atlas/known_hosts"))
    assert told in access.explain("git@git.example.com:atlas.git", said)
