"""One release for all hosts, or a reason why there is none."""

from typing import Any

import pytest

from roost.errors import Locked, TaskFailed, UsageError
from roost.rollback import apps_to_roll_back, described, refuse_mismatch, rollback_target, unknown_migrations


def found(live: str, *earlier: str, good: tuple[str, ...] = (), failed: str = "") -> dict[str, Any]:
    releases = [{"id": failed, "state": "failed", "reason": "not healthy"}] if failed else []
    return {
        "lock": None,
        "live": live,
        "earlier": list(earlier),
        "good": [live, *earlier, *good],
        "releases": [*releases, {"id": "never-live", "state": "kept", "reason": ""}],
    }


def test_it_is_the_nearest_that_every_host_has() -> None:
    assert rollback_target("atlas", {"vm1": found("C", "B", "A")}, "") == "B"
    assert rollback_target("atlas", {"vm1": found("C", "B", "A"), "vm2": found("C", "A")}, "") == "A"


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        ({"vm1": found("A")}, "atlas: there is no good release before A to go back to."),
        ({"vm1": found("")}, "no good release before the first"),
        ({"vm1": found("B", "A"), "vm2": found("B")}, "before B that every host has"),
        ({"vm1": found("B", "A"), "vm2": found("C", "A")}, "run different releases (vm1 B, vm2 C)"),
    ],
)
def test_there_may_be_none(hosts: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskFailed) as raised:
        rollback_target("atlas", hosts, "")
    assert told in str(raised.value)


def test_a_named_one_must_be_good_on_every_host() -> None:
    hosts = {"vm1": found("C", "A", good=("D",)), "vm2": found("D", "C")}
    assert rollback_target("atlas", hosts, "C") == "C"
    assert rollback_target("atlas", hosts, "D") == "D"
    with pytest.raises(TaskFailed, match="vm2 has no release A"):
        rollback_target("atlas", hosts, "A")


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("3f2a9c1d7e56", 'vm1 has no release 3f2a9c1d7e56. Did you mean "3f2a9c1d7e55"?'),
        ("bad", "release bad failed on vm1 (not healthy)."),
        ("never-live", "release never-live never was live on vm1: deploy it instead."),
        ("else", "It can go back to: B, 3f2a9c1d7e55. Nothing was switched."),
    ],
)
def test_another_is_refused_with_those_there_are(to: str, told: str) -> None:
    with pytest.raises(TaskFailed) as raised:
        rollback_target("atlas", {"vm1": found("B", "3f2a9c1d7e55", failed="bad")}, to)
    assert told in str(raised.value)


def test_a_lock_on_one_host_is_a_lock() -> None:
    lock = {"who": "anna", "since": "2026-11-24T13:05:09Z", "why": "the database moves"}
    with pytest.raises(Locked, match=r"locked by anna since 2026-11-24T13:05:09Z: the database moves \(on vm2\)"):
        rollback_target("atlas", {"vm1": found("A"), "vm2": found("A") | {"lock": lock}}, "")


def test_an_application_must_be_named_if_there_are_several() -> None:
    assert apps_to_roll_back(["atlas"], [], "A") == ["atlas"]
    assert apps_to_roll_back(["atlas", "shop"], ["shop", "atlas"], "") == ["shop", "atlas"]
    with pytest.raises(UsageError, match="say which to roll back, atlas or shop"):
        apps_to_roll_back(["atlas", "shop"], [], "")
    with pytest.raises(UsageError, match="name exactly one"):
        apps_to_roll_back(["atlas", "shop"], ["shop", "atlas"], "A")
    with pytest.raises(UsageError, match='Did you mean "shop"'):
        apps_to_roll_back(["atlas", "shop"], ["shpo"], "")


def state(*unknown: str) -> dict[str, Any]:
    return {"releases": [{"id": "A", "unknown_migrations": list(unknown)}, {"id": "B", "unknown_migrations": ["b.9"]}]}


def test_migrations_in_between_are_named_and_must_be_allowed() -> None:
    hosts = {"vm1": state("a.2", "a.3"), "vm2": state(), "vm3": state("a.3")}
    assert unknown_migrations(hosts, "A") == ["a.2", "a.3"]
    with pytest.raises(TaskFailed, match=r"release A does not know: a\.2, a\.3\.") as raised:
        refuse_mismatch("atlas", hosts, "A")
    assert "--allow-schema-mismatch (app_allow_schema_mismatch=true)" in str(raised.value)
    refuse_mismatch("atlas", {"vm1": state()}, "A")


def test_those_who_are_told_learn_what_is_gone_back_to() -> None:
    release = {"id": "A", "version": "v1", "commit": "3f2a9c1"}
    hosts = {"vm1": {"live": "B", "releases": [{"id": "B"}, release]}, "vm2": {"live": "C", "releases": []}}
    told = {"name": "atlas", "release": "A", "live": "B", "version": "v1", "commit": "3f2a9c1"}
    assert described("atlas", hosts, "A") == told
