import pytest

from roost.changes import Change, Kind
from roost.errors import HostUnreachable, Interrupted, Locked, RoostError, TaskFailed
from roost.events import Message, Status
from roost.paths import bundle_root
from roost.progress import Progress
from roost.report import closing_lines, document, plan_lines, plan_sentence, problem_of
from roost.runner import RunResult
from tests.unit.runner import replayed, result

WELL = RunResult(0, False, 61.0)
BADLY = RunResult(2, False, 61.0)


def test_a_run_without_failures_has_no_problem() -> None:
    progress = Progress()
    progress.apply(result("copy", {"changed": True}))
    assert problem_of(progress.summary(), WELL) is None


def test_a_failure_tells_task_host_reason_place_and_next_step() -> None:
    problem = problem_of(replayed("run").summary(), BADLY)
    assert isinstance(problem, TaskFailed)
    assert str(problem).splitlines()[0] == "gone is unreachable."
    assert "\n".join(str(problem).splitlines()[-4:]) == (
        "Fail in a loop failed on vm1.\n  1: bad 1\n  2: bad 2\n  (task in /project/site.yml:49)"
    )
    assert "hosts.yml" in problem.hint


@pytest.mark.parametrize(
    ("status", "returned", "kind", "code"),
    [
        (Status.UNREACHABLE, {"msg": "timed out"}, HostUnreachable, 4),
        (Status.FAILED, {"msg": "boom"}, TaskFailed, 5),
        (Status.FAILED, {"msg": "held", "rc": 75}, Locked, 75),
    ],
)
def test_the_exit_code_tells_what_went_wrong(
    status: Status, returned: dict[str, object], kind: type[RoostError], code: int
) -> None:
    progress = Progress()
    progress.apply(result("command", returned, status))
    problem = problem_of(progress.summary(), BADLY)
    assert type(problem) is kind
    assert problem.exit_code == code


def test_a_stopped_run_is_interrupted_whatever_failed() -> None:
    problem = problem_of(replayed("run").summary(), RunResult(99, True, 3.0))
    assert isinstance(problem, Interrupted)


def test_a_run_that_never_began_shows_what_ansible_said() -> None:
    progress = Progress()
    progress.apply(Message("[ERROR]: no such playbook", warning=False))
    problem = problem_of(progress.summary(), RunResult(1, False, 0.5))
    assert str(problem) == "[ERROR]: no such playbook"


def test_paths_in_the_bundle_are_shown_without_it() -> None:
    progress = Progress()
    event = result("command", {"msg": "boom"}, Status.FAILED)
    inside = event.task.__class__("A task", path=f"{bundle_root()}/roles/nginx/tasks/main.yml:3")
    progress.apply(event.__class__("vm1", inside, Status.FAILED, result={"msg": "boom"}))
    assert "(task in roles/nginx/tasks/main.yml:3)" in str(problem_of(progress.summary(), BADLY))


def test_the_last_lines_count_and_time() -> None:
    lines = list(closing_lines(replayed("run").summary(), BADLY))
    assert lines[0] == "vm1   11 done, 6 changed, 1 failed"
    assert lines[1] == "gone  0 done, 0 changed, 1 unreachable"
    assert lines[2] == "Took 1 min 1 s."
    assert lines[3].startswith("Slowest: Install packages 4 s; ")


def test_a_plan_is_condensed() -> None:
    lines = list(plan_lines(replayed("check").summary(), diff=False))
    assert lines[0] == "vm1"
    assert "  install 4 packages: jq, libjq1, libonig5, tree" in lines
    assert "    /opt/hello.txt" in lines
    assert "  restart 1 service: cron" in lines
    assert lines[-2] == "The plan is not complete: it ended with an error."
    assert lines[-1] == (
        "Will install 4 packages, change 3 files, restart 1 service and change 1 other thing on 1 host. "
        "Nothing was changed."
    )


def test_a_plan_shows_diffs_when_asked_but_never_a_secret() -> None:
    text = "\n".join(plan_lines(replayed("check").summary(), diff=True))
    assert "+hello" in text
    assert "s3cret" not in text


def test_a_plan_without_changes_says_so() -> None:
    assert plan_sentence({}) == "Nothing to do: every host is as declared."


def test_reloads_and_restarts_are_told_apart() -> None:
    changes = [Change(Kind.SERVICE, "nginx", "reload"), Change(Kind.SERVICE, "redis", "restart")]
    assert "restart 1 service and reload 1 service" in plan_sentence({"vm1": changes})


def test_the_document_is_complete() -> None:
    summary = replayed("run").summary()
    data = document(summary, BADLY, problem_of(summary, BADLY))
    assert (data["ok"], data["exit_code"], data["seconds"]) == (False, 5, 61.0)
    assert data["hosts"]["vm1"] == {"ok": 5, "changed": 6, "skipped": 1, "failed": 1, "unreachable": 0}
    assert {"kind": "file", "what": "/opt/hello.txt", "verb": "write"} in data["changes"]["vm1"]
    assert data["failures"][1]["reason"] == ["1: bad 1", "2: bad 2"]
    assert data["failures"][1]["path"] == "/project/site.yml:49"
