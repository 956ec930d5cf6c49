"""The whole journey on a fresh host of each Debian release: bare, converged, used, rebooted."""

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from playwright.sync_api import expect

from tests.support.browser import browser_at, visit
from tests.support.hosts import Host
from tests.support.journey import HOST, Journey, up
from tests.support.load import Load
from tests.support.real_programs import ask_programs
from tests.support.stacks import valid_stacks, without_waf

SITE = "https://atlas.test"


def test_check_mode_ends_without_error_on_a_bare_host(journey: Journey) -> None:
    assert journey.bare_check.code == 0, journey.bare_check.output[-4000:]
    assert '+    server_name "atlas.test";' in journey.bare_check.output


def test_first_run_converges(journey: Journey) -> None:
    assert journey.first.code == 0, journey.first.output[-4000:]


def test_second_run_changes_nothing(journey: Journey) -> None:
    assert journey.second.code == 0, journey.second.output[-4000:]
    assert journey.second.changed_tasks() == []
    assert journey.second.recap()[HOST]["ok"] > 20


def test_check_mode_reports_nothing_on_a_converged_host(journey: Journey) -> None:
    assert journey.converged_check.code == 0, journey.converged_check.output[-4000:]
    assert journey.converged_check.changed_tasks() == []
    assert "\n+++ " not in journey.converged_check.output


def test_plain_ansible_and_the_runner_leave_no_secret_behind(journey: Journey) -> None:
    environment = journey.host.run("cat /etc/roost/apps/atlas.env /etc/roost/apps/atlas.commands.env")
    secrets = re.findall(r'^SECRET_KEY="(.+)"$|://[^:/]*:([^@/]+)@', environment, re.MULTILINE)
    passphrase = re.findall(
        "^repo1-cipher-pass=(.+)$", journey.host.run("cat /etc/pgbackrest/pgbackrest.conf"), re.MULTILINE
    )
    values = {value for pair in secrets for value in pair if value} | set(passphrase)
    assert len(values) >= 5, "SECRET_KEY, two passwords of PostgreSQL, that of Redis, and the passphrase of the backups"
    runs = (journey.bare_check, journey.first, journey.second, journey.converged_check)
    printed = "".join(run.output for run in runs)
    readable = journey.host.run(
        "journalctl --no-pager; ps axww -o args; find / -xdev -type f -perm -o=r -size -2M"
        " \\( -path '/etc/*' -o -path '/srv/*' -o -path '/tmp/*' -o -path '/var/*' \\) -exec cat {} + | tr -d '\\0'"
    )
    for value in values:
        assert value not in printed, "a secret was printed"
        assert value not in readable, "a secret is readable on the host"
    vault = (journey.project.inventory / "group_vars" / "all" / "vault.yml").read_text()
    assert vault.startswith("$ANSIBLE_VAULT;")
    assert (journey.project.root / ".vault-password").stat().st_mode & 0o777 == 0o600


def test_migrations_are_recorded(journey: Journey) -> None:
    schema = json.loads(journey.host.run("cat /srv/atlas/schema.json"))
    assert {"places.0002_sample_places", "sessions.0001_initial"} <= set(schema["applied"])
    assert schema["begun"] == []


def test_page_and_styles_answer_over_https(journey: Journey) -> None:
    page = journey.host.curl(f"{SITE}/")
    assert "<title>" in page
    stylesheets = re.findall(r'<link[^>]+href="(/static/[^"]+\.css)"', page)
    assert stylesheets
    for stylesheet in stylesheets:
        assert "{" in journey.host.curl(SITE + stylesheet)


def test_http_redirects_to_https(journey: Journey) -> None:
    answer = journey.host.curl("http://atlas.test/", "--head")
    assert answer.startswith("HTTP/1.1 301")
    assert "location: https://atlas.test/" in answer.lower()


def test_places_with_points_are_created_through_the_api(journey: Journey) -> None:
    point = {"type": "Point", "coordinates": [13.4, 52.5]}
    place = {"type": "Feature", "geometry": point, "properties": {"name": "Acceptance"}}
    journey.host.curl(f"{SITE}/api/places/", "--json", json.dumps(place))
    assert "Acceptance" in journey.host.curl(f"{SITE}/api/places/")
    stored = journey.host.run(
        "runuser -u postgres -- psql -tA atlas -c "
        "\"select round(st_x(location::geometry)::numeric, 1) from places_place where name = 'Acceptance'\""
    )
    assert stored.split()[0] == "13.4"


@given(stack=valid_stacks(fewest_apps=4, most_apps=8).map(without_waf))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_programs_accept_what_is_rendered_of_any_stack(journey: Journey, stack: dict[str, Any]) -> None:
    ask_programs(journey.host, journey.release, stack)


def run_ping(host: Host) -> dict[str, object]:
    task = host.json(f"{SITE}/api/tasks/ping/", "--request", "POST")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        state = host.json(f"{SITE}/api/tasks/{task['id']}/")
        if state["state"] == "SUCCESS":
            return state
        time.sleep(0.5)
    raise AssertionError(f"the task did not finish: {state}")


def test_celery_task_writes_its_row(journey: Journey) -> None:
    assert run_ping(journey.host)["result"]


def test_admin_answers_with_its_styles(journey: Journey) -> None:
    page = journey.host.curl(f"{SITE}/admin/login/")
    assert "csrfmiddlewaretoken" in page
    stylesheet = re.search(r'href="(/static/admin/[^"]+\.css)"', page)
    assert stylesheet
    journey.host.curl(SITE + stylesheet[1])


def test_a_browser_sees_the_map_and_signs_in_to_the_admin(journey: Journey, tmp_path: Path) -> None:
    secret = "not the one of anybody"
    journey.host.run(
        f"/usr/local/lib/roost/in-release atlas env ADMIN_PASSWORD='{secret}' python manage.py ensure_admin"
    )
    with browser_at(journey.host, tmp_path) as browser:
        with visit(browser, f"{SITE}/", f"atlas-{journey.release}") as page:
            expect(page.get_by_role("img", name="Map of the world")).to_be_visible()
        with visit(browser, f"{SITE}/admin/", f"admin-{journey.release}") as page:
            page.get_by_label("Username").fill("admin")
            page.get_by_label("Password").fill(secret)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", name="Site administration")).to_be_visible()


def test_a_mistake_is_taken_back_and_the_drill_passes(journey: Journey) -> None:
    def roost(*command: str) -> str:
        run = journey.project.run("roost", command[0], "-e", "test", *command[1:])
        assert run.code == 0, run.output
        return run.output

    assert "full" in roost("backups")
    before = journey.host.run("sleep 1.1; date -u '+%Y-%m-%d %H:%M:%S'; sleep 1.1").strip()
    journey.host.run("runuser -u postgres -- psql -q atlas -c 'DELETE FROM places_place'")
    assert "Acceptance" not in journey.host.curl(f"{SITE}/api/places/")
    assert "is lost" in roost("restore", "--to", before, "--yes")
    assert "Acceptance" in journey.host.curl(f"{SITE}/api/places/")
    roost("restore", "--confirm", "--yes")
    assert "differential backup" in roost("backup")
    assert "s of data lost" in roost("drill")
    assert "needs attention" not in roost("status")


def test_health_turns_503_while_redis_is_down(journey: Journey) -> None:
    assert journey.host.json(f"{SITE}/health/")
    journey.host.run("systemctl stop redis-server")
    try:
        code = journey.host.status(f"{SITE}/health/")
    finally:
        journey.host.run("systemctl start redis-server")
    assert code == 503
    assert journey.host.json(f"{SITE}/health/")


def test_only_the_declared_ports_answer_from_outside(journey: Journey) -> None:
    listening = journey.host.run("ss -Hltn | awk '{print $4}'")
    assert "127.0.0.1:5432" in listening
    opened = journey.host.run("nft list table inet roost")
    assert {"80", "443"} <= set(re.findall(r"\b\d+\b", opened))
    assert "5432" not in opened


def test_everything_comes_back_after_a_reboot(journey: Journey) -> None:
    journey.host.reboot()
    assert journey.host.run("systemctl list-units --failed --no-legend --plain").strip() == ""
    assert journey.host.json(f"{SITE}/health/")
    assert run_ping(journey.host)["result"]


def test_a_run_after_the_reboot_changes_nothing(journey: Journey) -> None:
    after = journey.project.playbook("site.yml")
    assert after.code == 0, after.output[-4000:]
    assert after.changed_tasks() == []


def database_logins(host: Host) -> list[str]:
    """The URLs with which what serves and what is run log in."""
    read = "sed -n 's/^DATABASE_URL=\"\\(.*\\)\"$/\\1/p' /etc/roost/apps/atlas.env /etc/roost/apps/atlas.commands.env"
    return host.run(read).split()


def lets_in(host: Host, url: str) -> bool:
    return host.run(f"psql '{url}' -XAtc 'SELECT 1' 2>/dev/null || true").strip() == "1"


def test_rotating_passwords_under_load_fails_no_request_and_ends_with_the_former_ones_refused(
    journey: Journey, tmp_path: Path
) -> None:
    rotate = ("roost", "secrets", "rotate", "-e", "test", "atlas", "database")
    former = database_logins(journey.host)
    rotated = journey.project.run(*rotate)
    assert rotated.code == 0, rotated.output[-4000:]
    again = journey.project.run(*rotate)
    assert (again.code, "is not finished" in again.output) == (2, True), again.output[-4000:]
    planned = journey.project.run("roost", "plan", "-e", "test")
    assert "Take the former passwords away" in planned.output
    with Load(journey.host, tmp_path) as load:
        applied = up(journey.project, journey.release)
    assert applied.code == 0, applied.output[-4000:]
    assert load.failures == []
    assert [(tally.lost, tally.doubled) for tally in (load.rows(), load.tasks())] == [(0, 0)] * 2
    present = database_logins(journey.host)
    assert [lets_in(journey.host, url) for url in (*present, *former)] == [True, True, False, False]
    assert not {url.split("@")[0] for url in present} & {url.split("@")[0] for url in former}
    after = journey.project.playbook("site.yml")
    assert (after.code, after.changed_tasks()) == (0, []), after.output[-4000:]


def test_deploys_under_load_fail_no_request_and_a_bad_one_changes_nothing(journey: Journey, tmp_path: Path) -> None:
    source = tmp_path / "atlas"
    shutil.copytree(journey.project.root / "examples" / "apps" / "atlas", source)
    journey.project.edit_stack(source={"path": str(source)})
    releases = [live_release(journey.host)]
    with Load(journey.host, tmp_path) as load:
        for version in ("two", "three"):
            (source / "release.txt").write_text(version)
            good = journey.project.playbook("playbooks/deploy.yml")
            assert good.code == 0, good.output[-4000:]
            releases.append(live_release(journey.host))
        (source / "atlas" / "wsgi.py").write_text("raise RuntimeError('this release is bad')\n")
        bad = journey.project.playbook("playbooks/deploy.yml")
    assert len(set(releases)) == 3
    assert bad.code == 2
    assert "RuntimeError: this release is bad" in bad.output
    assert live_release(journey.host) == releases[-1]
    assert load.failures == []
    assert min(len(answers.seconds) for answers in load.answers.values()) > 20
    assert [(tally.lost, tally.doubled) for tally in (load.rows(), load.tasks())] == [(0, 0)] * 2


def live_release(host: Host) -> str:
    return host.run("readlink /srv/atlas/current").strip()
