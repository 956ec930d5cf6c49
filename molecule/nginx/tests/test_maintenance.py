"""Maintenance mode as clients meet it."""

import itertools
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

FLAG = "/etc/roost/maintenance/{}.on"
CURL = "curl --silent --insecure --include --max-time 20"
EVERYONE = ["127.0.0.0/8", "::1"]
# Asks again and again, and writes each answer's status on a line of its own, until the file is there.
PESTER = (
    "until [ -e /tmp/enough ]; do"
    " curl --silent --insecure --output /dev/null --write-out '%{http_code}\\n' --max-time 20"
    " --resolve atlas.test:443:127.0.0.1 https://atlas.test/; sleep 0.05;"
    " done >/tmp/answers 2>&1"
)


def playbook(host, name, *options):
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    path = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / name
    limit = f"--limit={host.backend.host.name}"
    return subprocess.run(
        ["ansible-playbook", f"--inventory={inventory}", limit, str(path), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def maintain(host, state, *options, **variables):
    """Run the operation; return how many tasks changed something."""
    named = {f"nginx_maintenance_{name}": value for name, value in {"state": state, **variables}.items()}
    run = playbook(host, "maintenance.yml", "--extra-vars", json.dumps(named), *options)
    assert run.returncode == 0, run.stdout + run.stderr
    return int(re.search(r"changed=(\d+)", run.stdout).group(1))


def get(host, url, options=""):
    """Return status, headers by lower-case name, and body."""
    name = url.split("/")[2]
    resolve = f"--resolve {name}:443:127.0.0.1 --resolve {name}:80:127.0.0.1"
    head, _, body = host.check_output(f"{CURL} {resolve} {options} {url}").partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status.split()[1]), headers, body


def status_of(host, url, options=""):
    return get(host, url, options)[0]


@pytest.fixture
def host(host):
    yield host
    maintain(host, "off")


def test_a_page_answers_instead_of_the_application(host):
    assert maintain(host, "on") == 1
    status, headers, body = get(host, "https://atlas.test/some/page", "--request POST --data x")
    assert (status, body) == (503, "<h1>Atlas sleeps</h1>")
    assert headers["retry-after"] == "300"
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"].startswith("text/html")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "strict-transport-security" in headers
    status, headers, body = get(host, "https://down.test/")
    assert status == 503
    assert "Down for maintenance" in body
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert status_of(host, "https://atlas.test/", "--header 'Upgrade: websocket'") == 503


def test_the_pages_have_no_address_of_their_own(host):
    maintain(host, "on", sites=["down"])
    status, _, body = get(host, "https://atlas.test/.roost/maintenance.html")
    assert status == 404
    assert "sleeps" not in body


def test_what_is_not_the_application_answers_as_ever(host):
    maintain(host, "on")
    assert status_of(host, "http://atlas.test/") == 301
    assert status_of(host, "https://atlas.example/") == 301
    assert status_of(host, "https://atlas.test/static/logo.svg") == 200
    assert get(host, "http://atlas.test/.well-known/acme-challenge/token")[2] == "proof"


def test_health_is_told_by_the_application_itself(host):
    maintain(host, "on")
    status, headers, body = get(host, "https://atlas.test/busy")
    assert (status, json.loads(body)) == (503, {"ready": False})
    assert "retry-after" not in headers


def test_only_the_named_site_is_affected(host):
    maintain(host, "on", sites=["down"])
    assert host.file(FLAG.format("down")).exists
    assert status_of(host, "https://atlas.test/") == 200
    assert status_of(host, "https://down.test/") == 503
    # The part of the other site that this application answers.
    assert status_of(host, "https://atlas.test/elsewhere/") == 503


def test_allowed_addresses_reach_the_application(host):
    maintain(host, "on", allow=EVERYONE)
    assert status_of(host, "https://atlas.test/") == 200
    maintain(host, "on", allow=["203.0.113.0/24", "2001:db8::/32"])
    assert status_of(host, "https://atlas.test/") == 503
    maintain(host, "off")
    assert host.run("grep -r roost_maintenance_allowed /etc/nginx").rc == 1


@pytest.mark.parametrize("wrong", [{"allow": ["203.0.113.0/99"]}, {"allow": ["any; }"]}, {"sites": ["atlsa"]}])
def test_nonsense_is_refused_and_changes_nothing(host, wrong):
    variables = {f"nginx_maintenance_{name}": value for name, value in wrong.items()}
    run = playbook(host, "maintenance.yml", "--extra-vars", json.dumps(variables))
    assert run.returncode == 2, run.stdout + run.stderr
    assert host.run("nginx -t").rc == 0
    assert status_of(host, "https://atlas.test/") == 200


def test_a_second_run_changes_nothing_and_check_mode_is_exact(host):
    assert maintain(host, "on", "--check", allow=EVERYONE) == 4
    assert status_of(host, "https://atlas.test/") == 200
    assert not host.file(FLAG.format("atlas")).exists
    maintain(host, "on", allow=EVERYONE)
    assert maintain(host, "on", allow=EVERYONE) == 0
    assert maintain(host, "on", "--check", allow=EVERYONE) == 0
    maintain(host, "off")
    assert maintain(host, "off") == 0


def test_a_missing_page_is_warned_of_and_a_plain_one_shown(host):
    host.check_output("mv /srv/atlas/pages /srv/atlas/pages.away")
    try:
        run = playbook(host, "maintenance.yml")
    finally:
        host.check_output("mv /srv/atlas/pages.away /srv/atlas/pages")
    assert "there is no /srv/atlas/pages/down.html" in run.stdout + run.stderr
    assert "Down for maintenance" in get(host, "https://atlas.test/")[2]


def test_it_is_a_state_that_outlasts_a_converge_and_a_restart(host):
    maintain(host, "on", allow=["203.0.113.0/24"])
    run = playbook(host, "converge.yml")
    assert "changed=0" in run.stdout, run.stdout + run.stderr
    host.check_output("systemctl restart nginx")
    assert status_of(host, "https://atlas.test/") == 503


def test_no_request_fails_on_the_way(host):
    """Every answer is the application's or the page: beginning and end are switches, not gaps."""
    host.check_output(f"rm -f /tmp/enough; nohup sh -c {shlex.quote(PESTER)} >/dev/null 2>&1 &")
    maintain(host, "on", sites=["atlas"])
    maintain(host, "off")
    assert status_of(host, "https://atlas.test/") == 200
    host.check_output("touch /tmp/enough; sleep 1; rm /tmp/enough")
    answers = host.check_output("cat /tmp/answers").split()
    assert set(answers) == {"200", "503"}
    switches = sum(before != after for before, after in itertools.pairwise(answers))
    assert switches == 2
