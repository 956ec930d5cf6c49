"""What a switch leaves behind: its entry in the history, and the releases that are kept."""

import time
from typing import Any

import pytest
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.catalogue import catalogue
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Answer
from ansible.module_utils.roost_app.history import read
from ansible.module_utils.roost_app.releases import write_manifest
from ansible.module_utils.roost_app.slots import Slots

from tests.support.modules import load_module

release_slot = load_module("release_slot")
PARAMETERS: dict[str, Any] = {"keep": 5, "who": "anna", "about_to_change": []}


def settle(slots: Slots, release: str, *, kind: str = "deploy", keep: int = 5, check: bool = False) -> dict[str, Any]:
    attempt = Attempt.of_built(slots.paths, release, "anna", kind)
    state: dict[str, Any] = release_slot.settle_slots(slots, attempt, PARAMETERS | {"keep": keep}, check)
    return state


def story(slots: Slots) -> list[tuple[str, str, str]]:
    return [(entry.release, entry.kind, entry.outcome) for entry in read(slots.paths.history)]


def build(slots: Slots, release: str) -> None:
    folder = slots.paths.release(release)
    folder.mkdir()
    source = {"kind": "git", "location": "https://git.example.com/atlas.git", "version": "v3"}
    manifest = {"built": f"z-{release}", "who": "anna", "inputs": "", "version": "3" * 40, "source": source}
    write_manifest(folder, manifest | {"phases": {"source": 1.5}})


def test_a_deploy_is_recorded_once(slots: Slots) -> None:
    assert settle(slots, "one")["switched"]
    assert not settle(slots, "one")["switched"]
    assert story(slots) == [("one", "deploy", "live")]


def test_an_entry_tells_version_commit_and_phases(slots: Slots) -> None:
    build(slots, "three")
    settle(slots, "three")
    (entry,) = read(slots.paths.history)
    assert (entry.version, entry.commit, entry.source) == ("v3", "3" * 40, "https://git.example.com/atlas.git")
    assert set(entry.phases) == {"source", "switch"}
    assert entry.when.endswith("Z")


def test_without_a_release_the_live_one_stays_and_nothing_is_recorded(slots: Slots) -> None:
    settle(slots, "one")
    assert settle(slots, "")["release"] == "one"
    slots.paths.environment.write_text('A="2"\n')
    assert settle(slots, "")["switched"]
    assert slots.live_release() == "one"
    assert len(story(slots)) == 1


def test_check_mode_records_nothing(slots: Slots) -> None:
    assert settle(slots, "one", check=True)["switched"]
    assert story(slots) == []


def test_check_mode_foresees_that_a_changed_environment_moves_the_slot(slots: Slots) -> None:
    settle(slots, "one")
    attempt = Attempt.of_built(slots.paths, "", "anna", "deploy")
    changed = PARAMETERS | {"about_to_change": [str(slots.paths.environment)]}
    assert release_slot.settle_slots(slots, attempt, changed, True)["switched"]
    assert not release_slot.settle_slots(slots, attempt, PARAMETERS, True)["switched"]


def test_a_failed_release_is_marked_and_may_be_deployed_again(slots: Slots, answers: list[Answer]) -> None:
    settle(slots, "one")
    answers[:] = [Answer(500, "on fire")]
    with pytest.raises(ReleaseError):
        settle(slots, "two")
    failed = read(slots.paths.history)[-1]
    assert (failed.outcome, failed.reason) == ("failed", "not healthy: status 500: on fire")
    assert catalogue(slots.paths)["good"] == ["one"]
    answers[:] = [Answer(200, "")]
    settle(slots, "two")
    assert catalogue(slots.paths)["earlier"] == ["one"]


def test_the_live_release_that_can_not_move_is_not_marked(slots: Slots, answers: list[Answer]) -> None:
    settle(slots, "one")
    slots.paths.environment.write_text('A="2"\n')
    answers[:] = [Answer(500, "on fire")]
    with pytest.raises(ReleaseError):
        settle(slots, "")
    assert story(slots) == [("one", "deploy", "live")]


def test_a_switch_that_was_killed_before_its_entry_is_recorded_by_the_next_deploy(slots: Slots) -> None:
    settle(slots, "one")
    slots.switch_to("two")
    assert catalogue(slots.paths)["earlier"] == ["one"]
    assert settle(slots, "two")["switched"]
    assert story(slots) == [("one", "deploy", "live"), ("two", "deploy", "live")]


def test_the_release_that_a_rollback_leads_to_is_never_removed(slots: Slots, answers: list[Answer]) -> None:
    settle(slots, "one")
    settle(slots, "two", keep=1)
    for name in ("bad-1", "bad-2"):
        build(slots, name)
        answers[:] = [Answer(500, "on fire")]
        with pytest.raises(ReleaseError):
            settle(slots, name, keep=1)
    assert sorted(path.name for path in slots.paths.releases.iterdir()) == ["one", "two"]
    assert catalogue(slots.paths)["earlier"] == ["one"]


def test_a_rollback_goes_further_back_each_time(slots: Slots) -> None:
    build(slots, "three")
    for release in ("one", "two", "three"):
        settle(slots, release)
    for expected in ("two", "one"):
        (target, *_) = catalogue(slots.paths)["earlier"]
        assert target == expected
        settle(slots, target, kind="rollback")
        assert slots.live_release() == expected
    assert catalogue(slots.paths)["earlier"] == []
    assert read(slots.paths.history)[-1].kind == "rollback"


def test_the_catalogue_tells_the_state_of_each_release(
    slots: Slots, answers: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1, 100))
    monkeypatch.setattr(time, "strftime", lambda *_: f"2026-01-01T00:00:{next(clock):02}Z")
    for release in ("two", "one"):
        settle(slots, release)
    build(slots, "three")
    answers[:] = [Answer(500, "on fire")]
    with pytest.raises(ReleaseError):
        settle(slots, "three", keep=1)
    found = catalogue(slots.paths)
    assert [(item["id"], item["state"]) for item in found["releases"]] == [
        ("three", "failed"),
        ("one", "live"),
        ("two", "previous"),
    ]
    assert found["releases"][0]["reason"] == "not healthy: status 500: on fire"
