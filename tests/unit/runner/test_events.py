from roost.events import Finished, HostResult, Message, PlayStarted, Status, Task, TaskStarted, parse
from tests.unit.runner import recorded


def of_task(run: str, task: str) -> list[HostResult]:
    events = [parse(raw) for raw in recorded(run)]
    return [event for event in events if isinstance(event, HostResult) and event.task.name == task]


def test_plays_and_tasks_come_in_order() -> None:
    events = [parse(raw) for raw in recorded("run")]
    assert [event.name for event in events if isinstance(event, PlayStarted)] == ["First play", "Second play"]
    tasks = [event.task.name for event in events if isinstance(event, TaskStarted)]
    assert tasks[:3] == ["Gathering Facts", "Copy a file", "Copy a secret"]
    assert tasks[-1] == "Fail in a loop"


def test_a_result_has_host_task_status_and_duration() -> None:
    (event,) = of_task("run", "Copy a file")
    assert (event.host, event.status) == ("vm1", Status.CHANGED)
    assert event.task == Task("Copy a file", "", "/project/site.yml:6", "ansible.builtin.copy")
    assert 0 < event.seconds < 60


def test_a_task_with_no_log_tells_by_its_line_on_the_screen_whether_it_changed_something() -> None:
    (event,) = of_task("run", "Copy a secret")
    assert "censored" in event.result
    assert event.status is Status.CHANGED


def test_each_way_to_end_is_told_apart() -> None:
    statuses = {task: of_task("run", task)[-1].status for task in ("Skipped one", "Warn", "Fail in a loop")}
    assert statuses == {"Skipped one": Status.SKIPPED, "Warn": Status.OK, "Fail in a loop": Status.FAILED}
    assert [(e.host, e.status) for e in of_task("run", "Gathering Facts")] == [
        ("vm1", Status.OK),
        ("gone", Status.UNREACHABLE),
    ]


def test_the_end_counts_only_failures_that_nothing_rescued() -> None:
    finished = parse(recorded("run")[-1])
    assert finished == Finished({"vm1": 1}, frozenset({"gone"}), frozenset({"vm1", "gone"}))


def test_warnings_and_errors_are_messages() -> None:
    assert parse({"event": "warning", "stdout": "[WARNING]: careful\n"}) == Message("[WARNING]: careful", True)
    assert parse({"event": "verbose", "stdout": "[WARNING]: x"}) == Message("[WARNING]: x", True)
    assert parse({"event": "error", "stdout": "[ERROR]: no"}) == Message("[ERROR]: no", False)
    assert parse({"event": "verbose", "stdout": "\n"}) is None


def test_what_nobody_needs_is_nothing() -> None:
    assert parse({"event": "playbook_on_start", "event_data": {}}) is None
    assert parse({"event": "EOF"}) is None
