"""A person's lock: others are told who holds it since when and why."""

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_app.errors import LockHeldError, ReleaseError
from ansible.module_utils.roost_app.operator_lock import OperatorLock, read_lock, refuse_if_locked
from ansible.module_utils.roost_app.paths import AppPaths

from tests.support.modules import load_module

app_lock = load_module("app_lock")
LOCK = OperatorLock("anna", "2026-01-01T00:00:00Z", "the database moves")


@pytest.fixture
def atlas(tmp_path: Path) -> AppPaths:
    paths = AppPaths("atlas", tmp_path)
    paths.root.mkdir(parents=True)
    return paths


def lock(paths: AppPaths, lock: OperatorLock = LOCK, *, check: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = app_lock.lock([paths], lock, check)
    return result


def test_locked_means_refused_with_who_when_and_why(atlas: AppPaths) -> None:
    refuse_if_locked(atlas)
    assert lock(atlas)["changed"]
    with pytest.raises(LockHeldError) as raised:
        refuse_if_locked(atlas)
    assert str(raised.value) == "atlas is locked by anna since 2026-01-01T00:00:00Z: the database moves"
    assert raised.value.exit_code == 75


def test_the_same_lock_again_is_no_change_and_another_is_refused(atlas: AppPaths) -> None:
    lock(atlas)
    again = lock(atlas, OperatorLock("anna", "2026-02-02T00:00:00Z", "the database moves"))
    assert (again["changed"], again["locks"]["atlas"]["since"]) == (False, LOCK.since)
    with pytest.raises(LockHeldError, match="locked by anna"):
        lock(atlas, OperatorLock("ben", "2026-02-02T00:00:00Z", "holidays"))
    assert read_lock(atlas.operator_lock) == LOCK


def test_anybody_unlocks_and_learns_whose_lock_it_was(atlas: AppPaths) -> None:
    lock(atlas)
    assert app_lock.unlock([atlas], False) == {"changed": True, "locks": {"atlas": vars(LOCK)}}
    assert app_lock.unlock([atlas], False) == {"changed": False, "locks": {}}
    refuse_if_locked(atlas)


def test_check_mode_leaves_the_lock_as_it_is(atlas: AppPaths) -> None:
    assert lock(atlas, check=True)["changed"]
    assert read_lock(atlas.operator_lock) is None
    lock(atlas)
    assert app_lock.unlock([atlas], True)["changed"]
    assert read_lock(atlas.operator_lock) == LOCK


def test_a_lock_that_is_no_json_still_locks(atlas: AppPaths) -> None:
    atlas.operator_lock.write_text("hands off\n")
    with pytest.raises(LockHeldError, match="locked by somebody since an unknown time: hands off"):
        refuse_if_locked(atlas)


def test_what_is_not_on_the_host_is_not_locked(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="not on this host"):
        lock(AppPaths("atlas", tmp_path))
