"""config_tree killed before each of its changes in turn: the next run ends as if nothing had happened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible.module_utils.config_tree.errors import TreeError

from tests.unit.config_tree.host import REFUSE, Host, directory, file, killed_at, without_times

MOST_STEPS = 400


class Case(NamedTuple):
    """How the host is before, and what is declared then."""

    prepare: Callable[[Host], object]
    tree: dict[str, Any]


def others_were_here(host: Host) -> None:
    host.put("etc/theirs", "before us", mode=0o600)
    (host.root / "etc/l").symlink_to("somewhere")


def ours_was_here(host: Host) -> None:
    others_were_here(host)
    host.apply(
        {"etc/a": "one", "etc/sites/x": "x", "etc/theirs": "ours", "conf": "file", "d/e": "deep"},
        links={"etc/link": "a"},
        directories={"srv": directory(0o750)},
    )
    host.settle()


NEW_TREE = {
    "files": {"etc/a": "two", "etc/theirs": "ours", "etc/l": "ours", "new/b": file("b", 0o600, topic="restart")},
    "links": {"new/link": "b"},
    "directories": {"srv": directory(0o700), "srv/data": directory(0o770)},
}
CASES = {
    "bare": Case(lambda _: None, NEW_TREE),
    "adoption": Case(others_were_here, NEW_TREE),
    "update": Case(ours_was_here, NEW_TREE),
    "kinds": Case(ours_was_here, {"files": {"conf/a": "directory", "d": "file", "etc/link": "file"}}),
    "removal": Case(ours_was_here, {}),
    "absent": Case(ours_was_here, {"absent": ["etc/theirs", "etc/l", "conf"]}),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def prepared(folder: Path, case: Case) -> Host:
    host = Host(folder)
    case.prepare(host)
    return host


def steps(folder: Path, case: Case, action: Callable[[Host], object]) -> list[Host]:
    """Return a host for each point at which `action` can be killed, killed there."""
    hosts = []
    for step in range(1, MOST_STEPS):
        host = prepared(folder / str(step), case)
        if not killed_at(step, lambda host=host: action(host)):
            return hosts
        hosts.append(host)
    raise AssertionError("there are more steps than expected")


def test_the_next_run_ends_as_a_clean_one(folder: Path, case: Case) -> None:
    before = without_times(prepared(folder / "before", case).snapshot())
    clean = prepared(folder / "clean", case)
    result = clean.apply(**case.tree)
    killed = steps(folder, case, lambda host: host.apply(**case.tree))
    assert len(killed) > 10
    for host in killed:
        assert host.state.pending() or without_times(host.snapshot()) == before
        assert_check_mode_is_exact(host, case)
        assert host.state.pending() == set(result["pending"])
        assert without_times(host.snapshot()) == without_times(clean.snapshot())
        assert host.settle() == result["pending"]
        assert not host.apply(**case.tree)["changed"]


def assert_check_mode_is_exact(host: Host, case: Case) -> None:
    """Run in check mode and then in earnest."""
    before = host.snapshot(), host.state_snapshot()
    told = host.apply(**case.tree, check=True)
    assert (host.snapshot(), host.state_snapshot()) == before
    done = host.apply(**case.tree)
    assert in_order(done) == in_order(told)


def in_order(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"diff": sorted(result["diff"], key=lambda difference: difference["before_header"])}


def test_a_refused_next_run_leaves_what_was_there_before(folder: Path, case: Case) -> None:
    before = without_times(prepared(folder / "before", case).snapshot())
    for host in steps(folder, case, lambda host: host.apply(**case.tree)):
        with pytest.raises(TreeError):
            host.apply({"unlike": "all others"}, validate=REFUSE)
        found = without_times(host.snapshot())
        committed = not Path(host.state.journal).exists() and host.state.pending() and found != before
        if committed:
            assert not host.apply(**case.tree)["changed_paths"]
        else:
            assert found == before


def test_killed_again_while_it_repairs(folder: Path) -> None:
    case = CASES["update"]
    clean = prepared(folder / "clean", case)
    clean.apply(**case.tree)
    total = len(steps(folder / "count", case, lambda host: host.apply(**case.tree)))
    for first in range(total // 3, total, 7):
        for second in range(1, MOST_STEPS, 5):
            host = prepared(folder / f"{first}-{second}", case)
            assert killed_at(first, lambda host=host: host.apply(**case.tree))
            if not killed_at(second, lambda host=host: host.apply(**case.tree)):
                break
            host.apply(**case.tree)
            assert without_times(host.snapshot()) == without_times(clean.snapshot())


@pytest.mark.parametrize("name", ["adoption", "kinds"])
def test_killed_while_it_puts_a_refused_tree_back(folder: Path, name: str) -> None:
    case = CASES[name]
    before = without_times(prepared(folder / "before", case).snapshot())
    for host in steps(folder, case, lambda host: host.apply(**case.tree, validate=REFUSE)):
        with pytest.raises(TreeError):
            host.apply(**case.tree, validate=REFUSE)
        assert without_times(host.snapshot()) == before


def test_settle_refuses_after_a_kill(folder: Path) -> None:
    case = CASES["update"]
    for host in steps(folder, case, lambda host: host.apply(**case.tree)):
        if Path(host.state.journal).exists():
            with pytest.raises(TreeError, match="was interrupted"):
                host.settle()
