from roost.changes import Change, Kind
from roost.events import Finished, Status, TaskStarted
from roost.progress import Progress
from tests.unit.runner import replayed, result


def test_hosts_are_counted() -> None:
    hosts = replayed("run").summary().hosts
    assert hosts["vm1"][Status.CHANGED] == 6
    assert hosts["vm1"][Status.FAILED] == 1
    assert hosts["gone"][Status.UNREACHABLE] == 1


def test_changed_things_are_listed_by_task() -> None:
    changes = {task.task.name: task.changes for task in replayed("run").summary().changes}
    assert changes["Copy a file"] == (Change(Kind.FILE, "/opt/hello.txt", "write"),)
    assert [change.what for change in changes["Install packages"]] == ["tree", "libonig5", "libjq1", "jq"]
    assert changes["Restart cron"] == (Change(Kind.SERVICE, "cron", "restart"),)
    assert changes["Copy a secret"] == (Change(Kind.OTHER, "Copy a secret"),)


def test_a_rescued_failure_is_no_failure() -> None:
    failures = replayed("run").summary().failures
    assert [(f.host, f.task.name) for f in failures] == [("gone", "Gathering Facts"), ("vm1", "Fail in a loop")]
    assert failures[1].reason == ("1: bad 1", "2: bad 2")


def test_a_failure_before_an_always_block_stays_one() -> None:
    progress = Progress()
    progress.apply(result("command", {"msg": "boom"}, Status.FAILED))
    progress.apply(result("debug", {}, Status.OK, name="Clean up"))
    progress.apply(Finished({"vm1": 1}, frozenset(), frozenset({"vm1"})))
    assert [failure.reason for failure in progress.summary().failures] == [("boom",)]


def test_check_mode_tells_the_same_changes_but_for_commands() -> None:
    changed = {task.task.name for task in replayed("check").summary().changes}
    assert changed == {"Copy a file", "Copy a secret", "Install packages", "Loop", "Restart cron"}


def test_secrets_that_were_made_up_are_no_change_of_a_host() -> None:
    progress = Progress()
    progress.apply(result("roost_preflight", {"changed": True, "added": ["vault_redis_password"]}))
    assert progress.summary().changes == ()


def test_timings_name_the_slowest_task_first() -> None:
    timings = replayed("run").summary().timings
    assert timings[0][0].name == "Install packages"
    assert [seconds for _, seconds in timings] == sorted((seconds for _, seconds in timings), reverse=True)


def test_the_running_task_is_known_until_its_result_comes() -> None:
    progress = replayed("run")
    assert progress.task is not None
    assert progress.task.name == "Fail in a loop"
    assert progress.hosts["gone"].is_lost
    progress.apply(TaskStarted(result("ping", {}).task))
    assert progress.task.name == "A task"


def test_warnings_of_a_module_are_told_once_with_their_host() -> None:
    progress = Progress()
    for _ in range(2):
        progress.apply(result("site_maintenance", {"warnings": ["there is no page"]}))
    assert progress.summary().warnings == ("[WARNING]: vm1: there is no page",)
