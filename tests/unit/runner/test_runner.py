import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from roost.errors import UsageError
from roost.events import Event, HostResult, Message, Status
from roost.galaxy import collections_path, missing_collections
from roost.runner import RunRequest, RunResult, run

INVENTORY = (
    "all: {hosts: {here: {ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}}}"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("ROOST_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    return tmp_path


def play(project: Path, tasks: str, **options: object) -> tuple[RunResult, list[Event]]:
    playbook = project / "play.yml"
    playbook.write_text(f"- name: Play\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    events: list[Event] = []
    request = RunRequest(str(playbook), project / "hosts.yml", project, **options)  # type: ignore[arg-type]  # the test's own keywords
    return run(request, events.append), events


def statuses(events: list[Event]) -> list[Status]:
    return [event.status for event in events if isinstance(event, HostResult)]


def test_a_run_reports_its_events_and_leaves_nothing_behind(project: Path) -> None:
    done, events = play(
        project,
        "    - {name: Write, ansible.builtin.copy: {content: x, dest: '{{ playbook_dir }}/out', mode: '0600'}}\n"
        "    - name: Where\n"
        "      ansible.builtin.assert: {that: \"lookup('ansible.builtin.pipe', 'pwd') == playbook_dir\"}\n",
    )
    assert (done.exit_code, done.interrupted) == (0, False)
    assert statuses(events) == [Status.CHANGED, Status.OK]
    assert (project / "out").read_text() == "x"
    assert list((project / "scratch").iterdir()) == []


def test_check_mode_changes_nothing(project: Path) -> None:
    task = "    - {name: Write, ansible.builtin.copy: {content: x, dest: '{{ playbook_dir }}/out', mode: '0600'}}\n"
    _, events = play(project, task, check=True, diff=True)
    assert statuses(events) == [Status.CHANGED]
    assert not (project / "out").exists()


def test_host_keys_are_checked_and_ssh_never_asks(project: Path) -> None:
    task = (
        "    - ansible.builtin.assert:\n"
        "        that:\n"
        "          - lookup('ansible.builtin.env', 'ANSIBLE_HOST_KEY_CHECKING') == 'True'\n"
        "          - \"'BatchMode=yes' in lookup('ansible.builtin.env', 'ANSIBLE_SSH_EXTRA_ARGS')\"\n"
    )
    assert play(project, task)[0].exit_code == 0


def test_extra_variables_and_tags_arrive(project: Path) -> None:
    tasks = (
        "    - {name: Tagged, tags: [a], ansible.builtin.assert: {that: \"wanted == ['x']\"}}\n"
        "    - {name: Other, tags: [b], ansible.builtin.fail: {msg: no}}\n"
    )
    done, events = play(project, tasks, variables={"wanted": ["x"]}, tags=("a",))
    assert done.exit_code == 0
    assert statuses(events) == [Status.OK]


def test_what_ansible_says_before_it_gives_up_is_kept(project: Path) -> None:
    done, events = play(project, "    - {name: Bad, no_such_module_at_all: {}}\n")
    assert done.exit_code != 0
    assert any(isinstance(event, Message) and "no_such_module_at_all" in event.text for event in events)


def test_a_signal_stops_the_run_and_its_workers(project: Path) -> None:
    pid_file = project / "pid"
    task = f"    - {{name: Sleep, ansible.builtin.shell: 'echo $$ > {pid_file}; exec sleep 60', changed_when: false}}\n"

    waiting = f"while [ ! -e {pid_file} ]; do sleep 0.1; done; kill -INT {os.getpid()}"
    helper = subprocess.Popen(["sh", "-c", waiting])
    before = signal.getsignal(signal.SIGINT)
    started = time.monotonic()
    done, events = play(project, task)
    helper.wait()
    assert done.interrupted
    assert time.monotonic() - started < 30
    assert statuses(events) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_collection_counts_if_any_folder_has_it(tmp_path: Path) -> None:
    (tmp_path / "two/ansible_collections/ansible/posix").mkdir(parents=True)
    requirements = {"collections": [{"name": "ansible.posix"}, {"name": "community.general"}]}
    assert missing_collections(requirements, [tmp_path / "one", tmp_path / "two"]) == ["community.general"]


def test_missing_collections_are_refused_with_the_command_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        collections_path()
    assert "ansible-galaxy collection install -r" in caught.value.hint
