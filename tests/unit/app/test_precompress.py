"""Which files get compressed twins, and which of them are taken over from the release before."""

import gzip
import os
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.precompress import precompress

STYLE = b"body { color: teal; }\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "new" / "static")


@pytest.fixture
def former(tmp_path: Path) -> Path:
    return made(tmp_path / "old" / "static")


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def write(file: Path, content: bytes = STYLE) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file


def compressed(file: Path) -> Path:
    return file.with_name(f"{file.name}.gz")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.gz")}


def test_a_twin_is_what_its_file_is(folder: Path, former: Path) -> None:
    style = write(folder / "admin" / "style.css")
    style.chmod(0o640)
    os.utime(style, (1_600_000_000, 1_600_000_000))
    precompress(folder, former)
    file, twin = style.stat(), compressed(style).stat()
    assert gzip.decompress(compressed(style).read_bytes()) == STYLE
    assert (twin.st_mode, twin.st_uid, twin.st_gid) == (file.st_mode, file.st_uid, file.st_gid)
    assert int(twin.st_mtime) == 1_600_000_000


def test_the_same_file_has_the_same_twin_anywhere(tmp_path: Path, former: Path) -> None:
    styles = [write(made(tmp_path / host) / "style.css") for host in ("web1", "web2")]
    os.utime(styles[0], (1, 1))
    for style in styles:
        precompress(style.parent, former)
    assert len({compressed(style).read_bytes() for style in styles}) == 1


def test_only_what_shrinks_gets_a_twin(folder: Path, former: Path) -> None:
    write(folder / "style.css")
    write(folder / "SHOUTING.JS")
    os.link(folder / "style.css", folder / "second.css")
    write(folder / "small.css", STYLE[:1023])
    write(folder / "photo.jpg")
    write(folder / "noise.txt", os.urandom(5000))
    precompress(folder, former)
    assert names(folder) == {"style.css.gz", "SHOUTING.JS.gz", "second.css.gz"}


def test_every_file_of_many_gets_its_twin(folder: Path, former: Path) -> None:
    files = [write(folder / f"{number}.js", STYLE + b"%d" % number) for number in range(101)]
    precompress(folder, former)
    assert all(gzip.decompress(compressed(file).read_bytes()) == file.read_bytes() for file in files)


def test_links_lead_nowhere(tmp_path: Path, folder: Path, former: Path) -> None:
    secret = write(tmp_path / "secret" / "secret.txt")
    (folder / "link.txt").symlink_to(secret)
    (folder / "linked").symlink_to(secret.parent)
    precompress(folder, former)
    precompress(folder / "linked", former)
    assert names(tmp_path) == set()


def test_a_twin_that_came_with_the_file_stays(folder: Path, former: Path) -> None:
    write(former / "style.css")
    precompress(former, folder)
    own = write(compressed(write(folder / "style.css")), b"made by a bundler")
    precompress(folder, former)
    assert own.read_bytes() == b"made by a bundler"


def test_twins_of_the_release_before_serve_unchanged_files(folder: Path, former: Path) -> None:
    for name in ("same.css", "changed.css", "shorter.css"):
        write(former / name)
        write(compressed(former / name), b"compressed before")
    same = write(folder / "same.css")
    os.utime(same, (1_600_000_000, 1_600_000_000))
    changed = write(folder / "changed.css", STYLE.replace(b"teal", b"navy"))
    shorter = write(folder / "shorter.css", STYLE[:-1])
    precompress(folder, former)
    assert compressed(same).read_bytes() == b"compressed before"
    assert compressed(same).stat().st_mtime == 1_600_000_000
    for file in (changed, shorter):
        assert gzip.decompress(compressed(file).read_bytes()) == file.read_bytes()


def test_a_twin_that_is_a_link_is_not_taken_over(tmp_path: Path, folder: Path, former: Path) -> None:
    compressed(write(former / "style.css")).symlink_to(write(tmp_path / "secret", b"secret"))
    linked = made(tmp_path / "elsewhere")
    write(compressed(write(linked / "style.css")), b"secret")
    (former / "linked").symlink_to(linked)
    files = [write(folder / "style.css"), write(folder / "linked" / "style.css")]
    precompress(folder, former)
    assert [gzip.decompress(compressed(file).read_bytes()) for file in files] == [STYLE, STYLE]


def test_a_first_release_has_none_before_it(folder: Path, tmp_path: Path) -> None:
    write(folder / "style.css")
    precompress(folder, tmp_path / "missing")
    precompress(tmp_path / "missing", folder)
    assert names(folder) == {"style.css.gz"}
