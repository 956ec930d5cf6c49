"""Releases have a history, a rollback goes back along it, and a lock keeps everybody from deploying."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from deploying import Load, get, live_slot, new_version, other
from testinfra.host import Host

from roost.source_folder import content_id, list_files
from tests.support.scenario import play, succeed

BROKEN = "import a_module_that_is_missing\n"


def deploy(host: Host, source: Path, **extra: Any) -> subprocess.CompletedProcess[str]:
    return play(
        host, "deploy.yml", site_source=str(source), **({"app_deploy": ["site"], "app_releases_kept": 4} | extra)
    )


def deploy_new(host: Host, source: Path, **extra: Any) -> str:
    """Deploy a new version and return its release."""
    succeed(deploy(host, new_version(source), **extra))
    return str(get(host)["release"])


def roll_back(host: Host, **extra: Any) -> subprocess.CompletedProcess[str]:
    return play(host, "rollback.yml", **({"app_rollback": ["site"], "app_releases_kept": 4} | extra))


def history(host: Host) -> list[dict[str, Any]]:
    return [json.loads(line) for line in host.file("/srv/site/history.jsonl").content_string.splitlines()]


def test_history_tells_of_each_attempt(host: Host, source: Path) -> None:
    release = deploy_new(host, source)
    entry = history(host)[-1]
    assert (entry["release"], entry["kind"], entry["outcome"], entry["reason"]) == (release, "deploy", "live", "")
    assert {"source", "dependencies", "commands", "compress", "seal", "release_commands", "switch"} == set(
        entry["phases"]
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["when"])
    file = host.file("/srv/site/history.jsonl")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o640)


def test_a_rollback_goes_back_without_a_failed_request_and_then_further(host: Host, source: Path) -> None:
    releases = [deploy_new(host, source) for _ in range(3)]
    slot = live_slot(host)
    with Load(host) as load:
        assert succeed(roll_back(host)) == 1
    assert get(host)["release"] == releases[1]
    assert live_slot(host) == other(slot)
    assert load.bad == 0, load.errors
    entry = history(host)[-1]
    assert (entry["kind"], list(entry["phases"])) == ("rollback", ["switch"])
    succeed(roll_back(host))
    assert get(host)["release"] == releases[0]
    succeed(roll_back(host, app_rollback_to=releases[2]))
    assert get(host)["release"] == releases[2]
    assert succeed(roll_back(host, app_rollback_to=releases[2])) == 0


def test_a_rollback_runs_no_release_command(host: Host, source: Path) -> None:
    deploy_new(host, source, app_releases_kept=1)
    assert len(host.file("/srv/site/releases").listdir()) == 2, "the live one, and the one that a rollback leads to"
    before = host.file("/srv/site/media/migrations").content_string
    succeed(roll_back(host))
    assert host.file("/srv/site/media/migrations").content_string == before


def test_a_failed_release_is_marked_and_never_rolled_back_to(host: Host, source: Path) -> None:
    good = deploy_new(host, source)
    application = (source / "site_app.py").read_text()
    (new_version(source) / "site_app.py").write_text(BROKEN)
    broken = content_id(source, list_files(source))[:12]
    assert deploy(host, source).returncode != 0
    entry = history(host)[-1]
    assert (entry["release"], entry["outcome"]) == (broken, "failed")
    assert "not healthy" in entry["reason"]
    refused = roll_back(host, app_rollback_to=broken)
    assert f"release {broken} failed" in refused.stdout
    (source / "site_app.py").write_text(application)
    deploy_new(host, source)
    succeed(roll_back(host))
    assert get(host)["release"] == good


def test_a_failed_release_command_marks_the_release_and_it_may_be_deployed_again(host: Host, source: Path) -> None:
    new_version(source)
    run = deploy(host, source, site_release_commands=["exit 3"])
    assert run.returncode != 0
    entry = history(host)[-1]
    assert entry["outcome"] == "failed"
    assert entry["reason"] == "`exit 3` failed with exit code 3"
    succeed(deploy(host, source))
    assert get(host)["release"] == entry["release"]


def test_an_unknown_release_is_refused_with_those_there_are(host: Host) -> None:
    release = get(host)["release"]
    run = roll_back(host, app_rollback_to=f"{release}0")
    assert run.returncode != 0
    assert f'Did you mean "{release}"?' in run.stdout
    assert get(host)["release"] == release


def test_the_first_release_has_none_before_it(host: Host) -> None:
    run = roll_back(host, app_rollback=["feed"])
    assert run.returncode != 0
    assert "there is no good release before" in run.stdout


def test_a_converge_never_changes_the_live_version(host: Host, source: Path) -> None:
    release = deploy_new(host, source)
    assert succeed(play(host, "converge.yml", site_source=str(new_version(source)))) == 0
    assert get(host)["release"] == release


def test_a_version_can_be_chosen_and_the_declared_one_comes_back(host: Host) -> None:
    tree = "$(git --git-dir=/var/lib/feed.git rev-parse v1^{tree})"
    commit = host.check_output(
        "git --git-dir=/var/lib/feed.git -c user.name=Roost -c user.email=roost@example.com "
        f"commit-tree -p v1 -m second {tree}"
    )
    host.check_output(f"git --git-dir=/var/lib/feed.git branch --force hotfix {commit}")
    assert succeed(play(host, "deploy.yml", app_deploy=["feed"], app_version="hotfix")) == 2
    assert host.check_output("readlink /srv/feed/current").endswith(commit[:12])
    assert succeed(play(host, "converge.yml")) == 0
    assert succeed(play(host, "deploy.yml", app_deploy=["feed"], app_version="hotfix")) == 0
    refused = play(host, "deploy.yml", app_deploy=["site"], app_version="hotfix")
    assert "from git or the package index" in refused.stdout
    assert succeed(play(host, "deploy.yml", app_deploy=["feed"])) == 1
    assert not host.check_output("readlink /srv/feed/current").endswith(commit[:12])


def test_a_lock_refuses_deploys_and_rollbacks_before_anything_is_built(host: Host, source: Path) -> None:
    release, folders = get(host)["release"], sorted(host.file("/srv/site/releases").listdir())
    assert succeed(play(host, "lock.yml", lock_state="present")) == 1
    assert succeed(play(host, "lock.yml", lock_state="present")) == 0
    try:
        for run in (deploy(host, new_version(source)), roll_back(host)):
            assert run.returncode != 0
            assert re.search(r"site is locked by anna since \S+Z: the database moves", run.stdout), run.stdout
            assert "rc: 75" in run.stdout
        succeed(play(host, "deploy.yml", app_deploy=["feed"]))
        assert succeed(play(host, "converge.yml")) == 0
    finally:
        assert succeed(play(host, "lock.yml", lock_state="absent")) == 1
    assert get(host)["release"] == release
    assert sorted(host.file("/srv/site/releases").listdir()) == folders
    succeed(deploy(host, source))


def test_nothing_is_built_on_a_disk_that_is_nearly_full(host: Host, source: Path) -> None:
    release, folders = get(host)["release"], sorted(host.file("/srv/site/releases").listdir())
    run = deploy(host, new_version(source), app_min_free_mb=10**9)
    assert run.returncode != 0
    assert re.search(r"/srv has \d+ MiB free, 1000000000 MiB are needed", run.stdout), run.stdout
    assert get(host)["release"] == release
    assert sorted(host.file("/srv/site/releases").listdir()) == folders
