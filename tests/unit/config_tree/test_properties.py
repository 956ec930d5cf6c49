"""config_tree under random histories: the last accepted tree is what is there, whatever came before."""

import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.config_tree.errors import TreeError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.config_tree.conftest import MEMORY
from tests.unit.config_tree.host import REFUSE, Host, file, killed_at, without_times

PATHS = ["a", "b", "a/x", "a/y", "b/x/deep", "c/x", "c/y/z"]
FOREIGN = {"c/theirs": "not ours", "b2": "not ours"}


def is_consistent(paths: set[str]) -> bool:
    return not any(other.startswith(path + "/") for path in paths for other in paths)


trees = st.dictionaries(
    st.sampled_from(PATHS),
    st.builds(file, st.text("xyz\n", max_size=3), st.sampled_from([0o600, 0o644, 0o755])),
    max_size=4,
).filter(lambda tree: is_consistent(set(tree)))
links = st.dictionaries(st.sampled_from(["l", "c/l", "d/l"]), st.sampled_from(["a", "../x"]), max_size=2)
declarations = st.fixed_dictionaries({"files": trees, "links": links})
histories = st.lists(
    st.tuples(declarations, st.sampled_from(["accept", "accept", "refuse", "kill"]), st.integers(1, 80))
)


def seen(host: Host) -> dict[str, tuple[Any, ...]]:
    """What is there, directories aside: one that was there before a tree needed it stays."""
    return {path: entry for path, entry in without_times(host.snapshot()).items() if entry[0] != "directory"}


def clean(folder: Path, declaration: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    host = new_host(folder)
    host.apply(**declaration)
    return seen(host)


def new_host(folder: Path) -> Host:
    host = Host(folder)
    for path, content in FOREIGN.items():
        host.put(path, content)
    return host


@settings(max_examples=60, deadline=None)
@given(histories, declarations)
def test_any_history_ends_in_the_last_declared_tree(
    history: list[tuple[dict[str, Any], str, int]], last: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as path:
        host = new_host(Path(path) / "host")
        for declaration, fate, step in history:
            play(host, declaration, fate, step)
        host.apply(**last)
        assert seen(host) == clean(Path(path) / "clean", last)
        host.apply()
        assert seen(host) == clean(Path(path) / "empty", {})


def play(host: Host, declaration: dict[str, Any], fate: str, step: int) -> None:
    """Run once. A refused tree must leave what was there; unless that was half-done, it is compared."""
    if fate == "kill":
        killed_at(step, lambda: host.apply(**declaration))
        return
    if fate == "accept":
        host.apply(**declaration)
        return
    half_done = Path(host.state.journal).exists()
    before = host.snapshot()
    try:
        changed = host.apply(**declaration, validate=REFUSE)["changed_paths"]
        assert not changed
    except TreeError:
        assert half_done or host.snapshot() == before
