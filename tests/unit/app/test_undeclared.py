"""An application that is no longer declared is stopped; nothing of it is lost."""

import pytest
from ansible.module_utils.roost_app.errors import LockHeldError
from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_app.undeclared import farewell, stop, undeclared


def others(slots: Slots, *declared: str) -> list[str]:
    return [paths.name for paths in undeclared(declared, slots.systemd, slots.paths.host)]


def test_only_what_runs_and_is_not_declared_is_found(slots: Slots) -> None:
    assert others(slots) == []
    slots.switch_to("one")
    assert others(slots, "atlas") == []
    assert others(slots, "pulse") == ["atlas"]


def test_it_is_stopped_for_good_and_serves_the_same_release_when_it_comes_back(slots: Slots) -> None:
    slots.switch_to("one")
    stop(slots.paths, slots.systemd, "anna")
    assert (slots.systemd.active, slots.systemd.enabled) == (set(), set())
    assert others(slots) == []
    assert slots.live_release() == "one"
    assert not slots.paths.slot_environment("blue").exists()
    assert not slots.paths.server.own_file("blue", "service").exists()
    slots.switch_to(slots.live_release())
    assert slots.serves("one")


def test_links_that_only_wait_for_the_next_boot_are_found(slots: Slots) -> None:
    link = slots.paths.host / "etc/systemd/system/sockets.target.wants/atlas@green.socket"
    link.parent.mkdir(parents=True)
    link.symlink_to("../atlas@.socket")
    assert others(slots) == ["atlas"]


def test_a_running_deploy_is_not_disturbed(slots: Slots) -> None:
    slots.switch_to("one")
    with deploy_lock(slots.paths.lock, "bert"), pytest.raises(LockHeldError, match="bert"):
        stop(slots.paths, slots.systemd, "anna")
    assert slots.serves("one")


def test_the_operator_is_told_what_stays() -> None:
    assert farewell(["atlas"], check_mode=False) == (
        "atlas was stopped: no longer declared. The data stays, in /srv/atlas and in the databases."
    )
    assert farewell(["a", "b"], check_mode=True).startswith("a, b are to be stopped: ")
