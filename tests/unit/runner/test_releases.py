from typing import Any

from roost.deployed import SwitchCollector
from roost.events import Status
from roost.failures import failure_of
from roost.releases import ReleasesCollector, release_table
from tests.unit.runner import result

LIVE: dict[str, Any] = {
    "id": "bbb",
    "state": "live",
    "reason": "",
    "version": "v2",
    "commit": "b" * 40,
    "source": "https://git.example.com/atlas.git",
    "who": "anna",
    "when": "2026-11-24T13:05:09Z",
    "phases": {"source": 1.25, "switch": 2.5},
}
FAILED = LIVE | {"id": "aaa", "state": "failed", "reason": "not healthy"}


def app(*releases: dict[str, Any], lock: dict[str, str] | None = None, turn: Any = None) -> dict[str, Any]:
    return {"name": "atlas", "releases": list(releases), "lock": lock, "turn": turn}


def test_hosts_that_agree_share_a_table() -> None:
    table = release_table("atlas", {"vm1": app(LIVE, FAILED), "vm2": app(LIVE | {"when": "later"}, FAILED)})
    assert table.columns[0] == "release"
    assert table.rows == [
        ("bbb", "v2", "bbbbbbbbbbbb", "anna", "2026-11-24 13:05 UTC", "live"),
        ("aaa", "v2", "bbbbbbbbbbbb", "anna", "2026-11-24 13:05 UTC", "failed: not healthy"),
    ]


def test_hosts_that_differ_have_rows_of_their_own() -> None:
    table = release_table("atlas", {"vm2": app(LIVE), "vm1": app(LIVE, FAILED)})
    assert [row[:2] for row in table.rows] == [("vm1", "bbb"), ("vm1", "aaa"), ("vm2", "bbb")]


def test_a_lock_is_shown() -> None:
    lock = {"who": "anna", "since": "2026-11-24T13:05:09Z", "why": "the database moves"}
    table = release_table("atlas", {"vm1": app(LIVE, lock=lock)})
    assert table.notes == ["locked on vm1 by anna since 2026-11-24 13:05 UTC: the database moves"]


def test_a_deploy_that_is_running_is_shown() -> None:
    turn = {"kind": "deploy", "who": "anna@laptop", "since": "2026-11-24T13:05:09Z", "phase": "build"}
    table = release_table("atlas", {"vm1": app(LIVE, turn=turn | {"idle_seconds": 7})})
    told = "a deploy by anna@laptop is running on vm1 since 2026-11-24 13:05 UTC, last at build 7 s ago"
    assert table.notes == [told]


def test_the_data_has_the_seconds_of_each_release() -> None:
    collector = ReleasesCollector()
    collector(result("app_releases", {"apps": [app(LIVE)]}, Status.OK))
    collector(result("debug", {"apps": "something else"}, Status.OK))
    assert collector.data()["atlas"]["vm1"]["releases"] == [LIVE | {"seconds": 3.75}]


def switched(release: str, previous: str, done: bool, status: Status = Status.OK) -> list[str]:
    collector = SwitchCollector()
    state = {"name": "atlas", "release": release, "previous": previous, "switched": done}
    collector(result("release_slot", {"apps": [state]}, status))
    return list(collector.lines())


def test_a_deploy_tells_what_is_live() -> None:
    assert switched("b", "a", True, Status.CHANGED) == ["atlas: b is live on vm1 (before: a)."]
    assert switched("a", "", True, Status.CHANGED) == ["atlas: a is live on vm1."]
    assert switched("a", "a", False) == ["atlas: a is already live on vm1."]
    assert switched("", "", False) == []
    assert switched("b", "a", True, Status.FAILED) == []


def test_a_persons_lock_ends_a_run_with_75_and_says_how_to_end_it() -> None:
    returned = {"msg": "atlas is locked by anna since 2026-11-24T13:05:09Z: the database moves", "rc": 75}
    failure = failure_of(result("app_lock", returned, Status.FAILED))
    assert failure.locked
    assert "roost unlock" in failure.next_step
