"""Where certificates lie, and the link that leads to them."""

import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
sys.path.insert(0, str(PLUGINS / "module_utils"))

from tls_store import TlsStore  # noqa: E402  (the path above comes first)


@pytest.fixture
def store(tmp_path: Path) -> TlsStore:
    return TlsStore(tmp_path)


def test_other_domains_get_another_placeholder(store: TlsStore) -> None:
    first = store.placeholder("atlas", ["a.test"])
    assert first == store.placeholder("atlas", ["a.test"])
    assert first != store.placeholder("atlas", ["a.test", "b.test"])


@pytest.mark.parametrize("name", ["", "..", "../atlas", "a/b", "-atlas", "a b", "a\n"])
def test_unsafe_names_are_refused(store: TlsStore, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a certificate"):
        store.placeholder(name, ["a.test"])


def test_a_certificate_counts_as_issued_when_both_files_are_there(store: TlsStore) -> None:
    folder = store.live / "atlas"
    folder.mkdir(parents=True)
    (folder / "fullchain.pem").touch()
    assert store.issued("atlas") is None
    (folder / "privkey.pem").touch()
    assert store.issued("atlas") == folder


def test_the_link_moves_and_goes(store: TlsStore) -> None:
    placeholder = store.placeholder("atlas", ["a.test"])
    store.point("atlas", placeholder)
    assert store.current() == {"atlas": placeholder}
    store.point("atlas", store.live / "atlas")
    assert store.current() == {"atlas": store.live / "atlas"}
    store.unlink("atlas")
    assert store.current() == {}


def test_a_switch_that_was_killed_is_no_obstacle(store: TlsStore) -> None:
    store.links.mkdir(parents=True)
    (store.links / ".atlas.new").symlink_to("/nowhere")
    store.point("atlas", store.live / "atlas")
    assert store.current() == {"atlas": store.live / "atlas"}


def test_what_is_not_ours_is_left_alone(store: TlsStore, tmp_path: Path) -> None:
    store.links.mkdir(parents=True)
    (store.links / "own").mkdir()
    (store.links / "elsewhere").symlink_to(tmp_path)
    assert store.current() == {}
    with pytest.raises(OSError, match="own"):
        store.point("own", store.live / "own")
