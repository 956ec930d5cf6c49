"""What is told of an application whose tasks can be lost or run twice in spite of the settings of its workers."""

from typing import Any

import pytest
from ansible.module_utils.roost_celery.check import Application, judge

POOLS = [{"queues": ["celery"], "patience": 330}, {"queues": ["mail", "news"], "patience": 90}]
SAFE = {"queue": "celery", "acks_late": True, "rejected_when_lost": True, "time_limit": None}


def look(*, pools: list[dict[str, Any]] = POOLS, own: bool = False, visible: int | None = None, **tasks: Any) -> str:
    report = {
        "own_acks_late": own,
        "visibility_timeout": visible,
        "tasks": {f"jobs.{name}": SAFE | task for name, task in tasks.items()},
    }
    return "\n".join(judge(report, Application("jobs", "jobs", [], pools)))


def test_nothing_is_told_of_a_safe_application() -> None:
    assert not look(nap={}, send={"queue": "mail", "time_limit": 60}, anywhere={"queue": None})


@pytest.mark.parametrize("setting", ["acks_late", "rejected_when_lost"])
def test_tasks_that_a_crash_loses(setting: str) -> None:
    told = look(nap={}, early={setting: False}, earlier={setting: False})
    assert "of the kinds jobs.earlier and jobs.early." in told
    assert "CELERY_TASK_ACKS_LATE" in told


def test_exceptions_of_an_application_that_sets_it_for_all_are_meant() -> None:
    assert not look(own=True, charge={"acks_late": False})


def test_long_lists_are_cut() -> None:
    assert "jobs.a, jobs.b, jobs.c and 2 more" in look(**{name: {"acks_late": False} for name in "abcde"})


@pytest.mark.parametrize(
    ("visible", "patience", "told"), [(60, 330, True), (None, 3630, True), (None, 330, False), (7200, 3630, False)]
)
def test_visibility_timeout_below_the_longest_task(visible: int | None, patience: int, told: bool) -> None:
    pools = [{"queues": ["celery"], "patience": patience}]
    assert ("visibility_timeout" in look(pools=pools, visible=visible, nap={})) is told


def test_queues_without_a_pool() -> None:
    told = look(export={"queue": "exports"}, report={"queue": "exports"}, send={"queue": "mail"})
    assert told == (
        "no pool works on the queue exports, to which jobs.export and jobs.report go. Name it in the queues of a pool."
    )


def test_queues_are_not_judged_if_a_pool_has_celerys_own() -> None:
    assert not look(pools=[*POOLS, {"queues": [], "patience": 330}], export={"queue": "exports"})


def test_tasks_that_a_deploy_would_kill() -> None:
    assert "kill jobs.send at work" in look(nap={"time_limit": 300}, send={"queue": "mail", "time_limit": 300})
