"""Releases go live without a failed request, bad ones don't go live, and a slot is a sandbox."""

import json
import re
import time
from pathlib import Path

import pytest
from deploying import VARIABLES, Load, get, has_ended, live_slot, new_version, other
from testinfra.host import Host

from roost.source_folder import content_id, list_files
from tests.support.scenario import play, succeed

WORST_EXPOSURE = 1.5


def test_application_answers_with_its_environment(host: Host) -> None:
    answer = get(host)
    assert answer["greeting"] == VARIABLES["site_greeting"]
    assert answer["release"] == Path(host.check_output("readlink /srv/site/current")).name


@pytest.mark.parametrize(("name", "server"), [("feed", "gunicorn"), ("wire", "uvicorn")])
def test_application_from_git_answers_through_asgi(host: Host, name: str, server: str) -> None:
    commit = host.check_output("git --git-dir=/var/lib/feed.git rev-parse v1")
    answer = host.check_output(
        f"curl -sS --unix-socket /srv/{name}/live.sock -H 'X-Forwarded-Proto: https' http://{name}.example.com/"
    )
    assert answer == f"https {commit[:12]}"
    assert f"/bin/{server} " in host.check_output(f"ps -o args= -u {name}")


def test_commands_see_secrets_and_build_files_are_served(host: Host) -> None:
    release = get(host)["release"]
    assert f"{release} a-secret-token what-commands-are" in host.file("/srv/site/media/migrations").content_string
    reader = host.run("runuser -u www-data -- cat /srv/site/current/static/banner.txt /srv/site/media/health")
    assert reader.rc == 0, reader.stderr


def test_secrets_and_code_are_private(host: Host) -> None:
    for path in ("/etc/roost/apps/site.env", "/srv/site/current/src/site_app.py", "/srv/site/repo.git"):
        assert host.run(f"runuser -u www-data -- cat {path}").rc != 0, path
    assert host.run("runuser -u site -- test -w /srv/site/current/src/site_app.py").rc != 0
    assert host.run("runuser -u feed -- cat /etc/roost/apps/site.env").rc != 0
    journal = host.run("journalctl --no-pager --output=cat | grep -c a-secret-token")
    assert journal.stdout.strip() == "0"


def test_what_commands_have_besides_is_out_of_reach_for_what_serves(host: Host) -> None:
    file = host.file("/etc/roost/apps/site.commands.env")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o640)
    assert host.run("runuser -u site -- cat /etc/roost/apps/site.commands.env").rc != 0
    process = host.check_output(f"systemctl show --property=MainPID --value site@{live_slot(host)}.service")
    assert "SITE_OWNER=what-serves" in host.check_output(f"tr '\\0' '\\n' </proc/{process}/environ").splitlines()


def test_a_command_in_the_release_has_its_secrets_and_its_standard_input(host: Host) -> None:
    printed = host.check_output("echo typed | /usr/local/lib/roost/in-release site sh -c 'cat; echo $SITE_OWNER'")
    assert printed.splitlines() == ["typed", "what-commands-are"]


def test_manifest_tells_where_a_release_comes_from(host: Host) -> None:
    manifest = json.loads(host.file("/srv/feed/current/manifest.json").content_string)
    assert manifest["source"]["version"] == "v1"
    assert manifest["version"].startswith(manifest["release"])
    assert set(manifest["phases"]) == {"source", "dependencies", "commands", "compress", "seal"}


def test_slot_is_a_sandbox_with_a_memory_limit(host: Host) -> None:
    unit = f"site@{live_slot(host)}.service"
    report = host.check_output(f"systemd-analyze security --no-pager {unit} | tail -n 1")
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure is not None, report
    assert float(exposure[1]) <= WORST_EXPOSURE
    assert host.check_output(f"systemctl show --property=MemoryMax --value {unit}") == str(300 * 2**20)


def test_deploying_the_live_release_changes_nothing(host: Host) -> None:
    assert succeed(play(host, "deploy.yml")) == 0


def test_three_deploys_fail_no_request(host: Host, source: Path) -> None:
    slots = [live_slot(host)]
    with Load(host) as quick, Load(host, "/slow/") as slow:
        for _ in range(3):
            changed = succeed(play(host, "deploy.yml", site_source=str(new_version(source)), app_deploy=["site"]))
            assert changed == 3
            slots.append(live_slot(host))
            assert get(host)["banner"] == (source / "banner.txt").read_text()
    assert slots == [slots[0], other(slots[0]), slots[0], other(slots[0])]
    assert (quick.bad, slow.bad) == (0, 0), quick.errors + slow.errors
    assert quick.good > 50
    assert slow.good > 3


def test_old_slot_is_stopped_and_old_releases_are_removed(host: Host) -> None:
    idle = other(live_slot(host))
    assert has_ended(host, idle)
    for kind in ("service", "socket"):
        assert host.run(f"systemctl is-enabled site@{idle}.{kind}").stdout.strip() == "disabled"
    assert len(host.file("/srv/site/releases").listdir()) == VARIABLES["app_releases_kept"]


@pytest.mark.parametrize(
    ("name", "file", "content", "told"),
    [
        ("import", "site_app.py", "import a_module_that_is_missing\n", "No module named 'a_module_that_is_missing'"),
        (
            "status",
            "site_app.py",
            "def application(environ, start_response):\n"
            "    start_response('500 Internal Server Error', [])\n"
            "    return [b'the database is on fire']\n",
            "the database is on fire",
        ),
        ("requirement", "requirements.txt", "a_file_that_is_missing.whl\n", "a_file_that_is_missing.whl"),
        ("hash", "requirements.txt", f"six==1.16.0 --hash=sha256:{'0' * 64}\n", "Hash mismatch for `six==1.16.0`"),
    ],
)
def test_a_bad_release_does_not_go_live(  # noqa: PLR0913, PLR0917 - the columns of the table
    host: Host, source: Path, name: str, file: str, content: str, told: str
) -> None:
    before, slot = get(host)["release"], live_slot(host)
    (source / file).write_text(content)
    patience = 25 if name == "status" else VARIABLES["app_health_patience"]
    with Load(host) as load:
        run = play(host, "deploy.yml", site_source=str(source), app_deploy=["site"], app_health_patience=patience)
    assert run.returncode != 0
    assert told in run.stdout, run.stdout
    assert load.bad == 0, load.errors
    assert get(host)["release"] == before
    assert live_slot(host) == slot
    assert has_ended(host, other(slot))
    assert host.check_output("systemctl is-system-running") == "running"


def test_a_failed_release_command_stops_the_deploy(host: Host, source: Path) -> None:
    before = get(host)["release"]
    commands = ["echo migrating; echo 'column is missing' >&2; exit 3"]
    run = play(
        host,
        "deploy.yml",
        site_source=str(new_version(source)),
        site_release_commands=commands,
        app_deploy=["site"],
    )
    assert run.returncode != 0
    assert "column is missing" in run.stdout
    assert get(host)["release"] == before


def test_a_half_built_release_is_built_again(host: Host, source: Path) -> None:
    new_version(source)
    half = f"/srv/site/releases/{content_id(source, list_files(source))[:12]}"
    host.check_output(f"mkdir -p {half}/src {half}/venv && echo half > {half}/src/site_app.py")
    succeed(play(host, "deploy.yml", site_source=str(source), app_deploy=["site"]))
    assert get(host)["banner"] == (source / "banner.txt").read_text()
    assert host.check_output("readlink -f /srv/site/current") == half


def test_a_running_deploy_excludes_another(host: Host) -> None:
    host.check_output(
        "systemd-run --quiet --unit=holder flock /srv/site/deploy.lock "
        "sh -c 'echo anna, process 7 > /srv/site/deploy.lock; sleep 60'"
    )
    time.sleep(1)
    try:
        run = play(host, "deploy.yml", app_deploy=["site"])
    finally:
        host.check_output("systemctl stop holder; truncate -s 0 /srv/site/deploy.lock")
    assert run.returncode != 0
    assert "another deploy is running (anna, process 7)" in run.stdout


def test_a_changed_environment_moves_the_release_to_the_other_slot(host: Host) -> None:
    slot, release = live_slot(host), get(host)["release"]
    with Load(host) as load:
        assert succeed(play(host, "converge.yml", site_greeting="hello again")) > 0
    answer = get(host)
    assert (answer["greeting"], answer["release"]) == ("hello again", release)
    assert live_slot(host) == other(slot)
    assert load.bad == 0, load.errors
    assert succeed(play(host, "converge.yml", site_greeting="hello again")) == 0
    succeed(play(host, "converge.yml"))


def test_a_killed_switch_is_tidied_up_by_the_next_run(host: Host) -> None:
    idle = other(live_slot(host))
    host.check_output(f"systemctl enable --now site@{idle}.socket && systemctl start site@{idle}.service")
    assert succeed(play(host, "converge.yml")) == 1
    assert has_ended(host, idle)
    assert succeed(play(host, "converge.yml")) == 0


def test_the_live_slot_comes_up_as_it_was_after_a_reboot_in_the_middle_of_a_switch(host: Host) -> None:
    before, slot = get(host), live_slot(host)
    unbearable = play(host, "converge.yml", site_greeting="be ill")
    assert "status 500" in unbearable.stdout, unbearable.stdout
    assert get(host) == before
    host.check_output(f"systemctl enable site@{other(slot)}.socket site@{other(slot)}.service")
    host.check_output(f"rm /srv/site/current && ln -s ../slots/{other(slot)} /srv/site/current")
    reboot(host)
    assert get(host) == before
    assert live_slot(host) == slot
    succeed(play(host, "converge.yml"))
    assert get(host) == before
    assert has_ended(host, other(live_slot(host)))
    assert host.check_output("readlink /srv/site/current") == f"releases/{before['release']}"


def reboot(host: Host) -> None:
    """Reboot the host and wait until it has started."""
    read_boot = "cat /proc/sys/kernel/random/boot_id"
    boot = host.check_output(read_boot)
    host.check_output("systemd-run --quiet --on-active=1 systemctl reboot")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        time.sleep(1)
        try:
            if host.check_output(read_boot) != boot:
                host.check_output("systemctl is-system-running --wait")
                return
        except RuntimeError:  # no connection yet
            continue
    pytest.fail("the host did not come back")
