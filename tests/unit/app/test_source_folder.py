"""Which files of a folder make a release, and what identifies them."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from roost.source_folder import content_id, list_files, pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for name in ("app.py", "static/a.css", ".venv/lib.py", "node_modules/x.js", "pkg/__pycache__/m.pyc", ".env"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "link").symlink_to("app.py")
    return folder


def names(folder: Path) -> list[str]:
    return [str(path) for path in list_files(folder)]


def test_plain_folder_leaves_out_what_is_made_from_the_source(folder: Path) -> None:
    assert names(folder) == [".env", "app.py", "link", "static/a.css"]


@pytest.mark.parametrize("repository", [True, False])
def test_what_git_ignores_is_left_out(folder: Path, repository: bool) -> None:
    if repository:
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / ".gitignore").write_text(".env\n*.log\n")
    (folder / "static/.gitignore").write_text("!keep.log\n")
    (folder / "static/keep.log").touch()
    (folder / "static/other.log").touch()
    assert names(folder) == [".gitignore", "app.py", "link", "static/.gitignore", "static/a.css", "static/keep.log"]


def test_a_folder_within_a_repository_obeys_it(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(folder.parent)], check=True)
    (folder.parent / ".gitignore").write_text(".env\n")
    assert names(folder) == ["app.py", "link", "static/a.css"]


def test_a_folder_that_the_repository_around_it_ignores_stands_for_itself(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(folder.parent)], check=True)
    (folder.parent / ".gitignore").write_text("source\n")
    assert names(folder) == [".env", "app.py", "link", "static/a.css"]


def test_what_is_tracked_belongs_to_it_even_if_it_looks_made(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "--force", "node_modules/x.js"], check=True)
    assert names(folder) == [".env", "app.py", "link", "node_modules/x.js", "static/a.css"]


def test_a_repository_within_it_belongs_to_it(folder: Path) -> None:
    inner = folder / "vendor/lib"
    inner.mkdir(parents=True)
    (inner / "lib.py").touch()
    (inner / "built.so").touch()
    (inner / ".gitignore").write_text("*.so\n")
    for repository in (folder, inner):
        subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    assert names(folder)[-2:] == ["vendor/lib/.gitignore", "vendor/lib/lib.py"]


def test_a_file_that_was_deleted_and_one_that_is_no_file_do_not_belong_to_it(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    subprocess.run(["git", "-C", str(folder), "add", "app.py"], check=True)
    (folder / "app.py").unlink()
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("/nowhere")
    assert names(folder) == [".env", "dangling", "link", "static/a.css"]


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        list_files(tmp_path / "nowhere")


def test_id_follows_names_contents_and_programs(folder: Path) -> None:
    ids = [content_id(folder, list_files(folder))]
    (folder / "app.py").touch()
    assert content_id(folder, list_files(folder)) == ids[0]
    (folder / "app.py").chmod(0o755)
    ids.append(content_id(folder, list_files(folder)))
    (folder / "app.py").write_text("changed")
    ids.append(content_id(folder, list_files(folder)))
    (folder / "app.py").rename(folder / "main.py")
    ids.append(content_id(folder, list_files(folder)))
    assert len(set(ids)) == 4


def test_archive_holds_the_files_without_their_owner(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "source.tar.gz"
    pack(folder, list_files(folder), archive)
    with tarfile.open(archive) as tar:
        assert tar.getnames() == [".env", "app.py", "link", "static/a.css"]
        assert {(entry.uid, entry.uname) for entry in tar} == {(0, "root")}
        assert tar.getmember("link").linkname == "app.py"
