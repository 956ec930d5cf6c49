"""Releases that are bad in ten ways, deploys that are killed, and races: under load, and no request may fail."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts import Host, sandbox_host
from tests.support.load import Load
from tests.support.project import REPOSITORY, Project, Run
from tests.support.race import race

EXAMPLE = REPOSITORY / "examples" / "apps" / "atlas"
DEPLOY = "playbooks/deploy.yml"
MOST_LINES = 10
SWITCH_SECONDS = 60
RACES = 5

MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("places", "0002_sample_places")]
    operations = [migrations.RunSQL("alter table places_place add column name text")]
"""
NO_SUCH_REQUIREMENT = f"django==999.0 --hash=sha256:{'0' * 64}\n"
UNHEALTHY = "\ndef health(request):\n    raise RuntimeError('this is not well')\n"
HANGING = "\ndef health(request):\n    time.sleep(3600)\n"
CRASHING = "import signal\nos.kill(os.getpid(), signal.SIGKILL)\n"

FILL_DISK = """
mkdir /root/small
mount -t tmpfs -o size=$(($(du -sm /srv/atlas | cut -f1) + 250))m tmpfs /root/small
cp --archive /srv/atlas/. /root/small/
mount --bind /root/small /srv/atlas
"""
EMPTY_DISK = "umount --lazy /srv/atlas /root/small; rmdir /root/small"


@dataclass(frozen=True)
class Bad:
    """What is added to a file of the example, and what the failing task's message says then."""

    file: str
    added: str
    told: str
    options: tuple[str, ...] = ()


BAD = {
    "syntax error": Bad("places/views.py", "\ndef broken(:\n", "SyntaxError: invalid syntax"),
    "missing dependency": Bad("requirements.txt", NO_SUCH_REQUIREMENT, "django==999.0"),
    "missing module": Bad("atlas/wsgi.py", "import not_there\n", "No module named 'not_there'"),
    "failing migration": Bad("places/migrations/0003_bad.py", MIGRATION, 'column "name" of relation'),
    "health 500": Bad("atlas/health.py", UNHEALTHY, "this is not well", ("-e", "app_health_patience=15")),
    "health hangs": Bad("atlas/health.py", HANGING, "no answer: nothing within 5 s"),
    "crash loop": Bad("atlas/wsgi.py", CRASHING, "the service ended by itself"),
}

# The task before which, or while which, the controller is killed, and the command that tells that it is at work.
AT_WORK = """grep --quiet --no-messages '"phase": "{}"' /srv/atlas/turn.json"""
RESTARTING = "supervisorctl status | grep --quiet --extended-regexp 'STOPPING|STARTING|uptime 0:00:0'"
KILLED = {
    "before the build": ("Build the release of atlas", "true"),
    "build": ("Build the release of atlas", AT_WORK.format("build")),
    "release commands": ("Run the release commands of atlas", AT_WORK.format("release_commands")),
    "before the switch": ("Switch to the release of atlas", "true"),
    "switch": ("Switch to the release of atlas", AT_WORK.format("switch")),
    "celery": ("Run the present programs", RESTARTING),
}


@dataclass(frozen=True)
class Site:
    """The host, the project, the folder that it deploys, and the load on the site."""

    host: Host
    project: Project
    source: Path
    load: Load

    def write_version(self, name: str) -> None:
        """Make the source a good one again, of another version than those before."""
        shutil.rmtree(self.source)
        shutil.copytree(EXAMPLE, self.source)
        (self.source / "release.txt").write_text(name)

    def live(self) -> str:
        return self.host.run("readlink /srv/atlas/current").strip()

    def idle_slot(self) -> str:
        return "green" if "blue" in self.host.run("readlink /srv/atlas/live.sock") else "blue"

    def last_attempt(self) -> dict[str, Any]:
        attempt: dict[str, Any] = json.loads(self.host.run("tail -n 1 /srv/atlas/history.jsonl"))
        return attempt

    def deploy_well(self) -> None:
        """Deploy, with nothing mended by hand before, what must become the live release."""
        before = self.live()
        run = self.project.playbook(DEPLOY)
        assert run.code == 0, run.output[-4000:]
        assert self.live() != before

    def fail_to_deploy(self, told: str, *options: str) -> None:
        """Deploy what must fail and leave the live release; the failing task must tell why in a few lines."""
        live = self.live()
        run = self.project.playbook(DEPLOY, *options)
        assert run.code == 2, run.output[-4000:]
        self.assert_told(run, told)
        assert self.live() == live

    def assert_told(self, run: Run, told: str) -> None:
        (message,) = run.failures()
        assert told in message
        assert len(message.splitlines()) <= MOST_LINES, message


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bad")
    with sandbox_host("bad-releases", "debian13") as host:
        project = Project(folder / "project", host.inventory())
        source = folder / "atlas"
        shutil.copytree(EXAMPLE, source)
        project.edit_stack(source={"path": str(source)})
        first = project.playbook("site.yml")
        assert first.code == 0, first.output[-4000:]
        with Load(host, folder) as load:
            yield Site(host, project, source, load)


@pytest.fixture(autouse=True)
def no_request_fails(site: Site) -> Iterator[None]:
    before = len(site.load.failures)
    yield
    assert site.load.failures[before:] == []


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_release_leaves_the_old_one_serving(site: Site, bad: Bad) -> None:
    site.write_version("bad")
    with (site.source / bad.file).open("a") as file:
        file.write(bad.added)
    site.fail_to_deploy(bad.told, *bad.options)
    attempt = site.last_attempt()
    assert attempt["outcome"] == "failed"
    assert attempt["phases"].get("switch", 0) <= SWITCH_SECONDS


def test_a_good_release_follows_bad_ones(site: Site) -> None:
    site.write_version("good")
    site.deploy_well()


def test_deploying_the_live_version_changes_nothing_and_says_so(site: Site) -> None:
    live = site.live()
    again = site.project.playbook(DEPLOY)
    assert again.code == 0, again.output[-4000:]
    assert again.changed_tasks() == []
    told = site.project.run("roost", "deploy", "-e", "test")
    assert told.code == 0, told.output[-4000:]
    assert f"atlas: {live.removeprefix('releases/')} is already live on {site.host.name}." in told.output


def test_a_wrong_wsgi_path_leaves_the_old_process_serving(site: Site) -> None:
    site.project.edit_stack(wsgi="atlas.nowhere")
    bad = site.project.playbook("site.yml")
    site.project.edit_stack(wsgi="atlas.wsgi")
    assert bad.code == 2, bad.output[-4000:]
    site.assert_told(bad, "No module named 'atlas.nowhere'")
    good = site.project.playbook("site.yml")
    assert good.code == 0, good.output[-4000:]


def test_a_folder_in_the_place_of_the_socket_is_told(site: Site) -> None:
    socket = f"/run/atlas/{site.idle_slot()}.sock"
    site.write_version("socket")
    site.host.run(f"rm -f {socket}; mkdir -p {socket}/taken")
    try:
        site.fail_to_deploy(f"({socket}): Address already in use")
    finally:
        site.host.run(f"rm -r {socket}")


def test_a_process_that_holds_the_socket_gives_way(site: Site) -> None:
    socket = f"/run/atlas/{site.idle_slot()}.sock"
    listen = f"import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('{socket}'); s.listen(); time.sleep(300)"
    site.write_version("held")
    site.host.run(f'rm -f {socket}; systemd-run --quiet --collect --unit=holder python3 -c "{listen}"')
    site.deploy_well()
    site.host.run("systemctl stop holder")


def test_a_disk_that_fills_up_during_the_build_leaves_no_half_built_release(site: Site) -> None:
    site.write_version("big")
    with (site.source / "big").open("wb") as file:
        file.truncate(600 * 1024 * 1024)
    site.host.run(FILL_DISK)
    releases = site.host.run("ls /srv/atlas/releases")
    try:
        site.fail_to_deploy("No space left on device", "-e", "app_min_free_mb=100")
        assert site.host.run("ls /srv/atlas/releases") == releases
        site.host.run("dd if=/dev/zero of=/srv/atlas/rest bs=1M status=none", check=False)
        site.fail_to_deploy("No space left on device", "-e", "app_min_free_mb=100")
    finally:
        site.host.run(EMPTY_DISK)
    site.write_version("small")
    site.deploy_well()


def kill_while(site: Site, task: str, at_work: str) -> None:
    """Kill a deploy with all that it has started once it has announced a task and a command on the host succeeds."""
    with site.host.connected() as shell:
        process = site.project.start(*site.project.playbook_command(DEPLOY))
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("TASK [") and task in line:
                    break
            else:
                raise AssertionError(f"the deploy ended before its task {task}")
            seen, _ = shell.communicate(f"for _ in $(seq 1000); do {at_work} && echo seen && exit; sleep 0.05; done")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert seen, process.stdout.read()[-4000:]


@pytest.mark.parametrize("phase", KILLED)
def test_a_deploy_that_was_killed_is_taken_over_by_the_next(site: Site, phase: str) -> None:
    site.write_version(f"killed at: {phase}")
    old = site.live()
    kill_while(site, *KILLED[phase])
    again = site.project.playbook(DEPLOY)
    assert again.code == 0, again.output[-4000:]
    assert site.live() != old


@pytest.mark.parametrize("number", range(RACES))
def test_one_of_two_deploys_at_once_wins(site: Site, number: int) -> None:
    site.write_version(f"race {number}")
    old = site.live()
    assert race(site.project).problem == ""
    assert site.live() != old


def test_nothing_was_lost(site: Site) -> None:
    """Tasks are delivered at least once; that deploys double none is asserted where none is killed, in test_journey."""
    site.load.stop()
    assert min(len(answers.seconds) for answers in site.load.answers.values()) > 100
    rows, tasks = site.load.rows(), site.load.tasks()
    assert (rows.lost, rows.doubled, tasks.lost) == (0, 0, 0)


def test_a_run_after_all_that_changes_nothing(site: Site) -> None:
    after = site.project.playbook("site.yml")
    assert after.code == 0, after.output[-4000:]
    assert after.changed_tasks() == []


def test_a_reboot_after_a_failed_change_of_settings_brings_the_old_ones_back(site: Site) -> None:
    release = site.live()
    site.project.edit_stack(env={"LOG_LEVEL": "LOUD"})
    bad = site.project.playbook("site.yml")
    site.project.edit_stack(env={})
    assert bad.code == 2, bad.output[-4000:]
    site.assert_told(bad, "it keeps serving with the settings of before")
    site.assert_told(bad, "Unable to configure root logger")
    site.host.reboot()
    assert site.host.json("https://atlas.test/health/")["release"] == release.removeprefix("releases/")
    good = site.project.playbook("site.yml")
    assert good.code == 0, good.output[-4000:]
