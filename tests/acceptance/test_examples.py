"""FastAPI, Flask and front ends on one host: what their users rely on, through nginx, and during a deploy."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import expect

from tests.support.browser import EDGE, EDGE_OF_NEXT, browser_at, refuses_foreign_scripts, visit
from tests.support.hosts import Host, sandbox_host
from tests.support.open_websocket import CLIENT, PYTHON, as_expected, wait_for_reconnection
from tests.support.project import REPOSITORY, Project, Run
from tests.support.pulse_load import PulseLoad

PULSE = "https://pulse.test"
MEMO = "https://memo.test"
GUESTBOOK = "https://guestbook.test"
VISITORS = "https://visitors.test"
APPS = REPOSITORY / "examples" / "apps"
MIGRATION = """
from alembic import op
revision, down_revision = "0003", "0002"
def upgrade(): op.execute("alter table readings add column unit text")
"""
HOLD_LOCK = (
    "systemd-run --quiet --collect --unit=holder runuser -u postgres -- sh -c"
    " '(echo \"begin; lock table readings in row exclusive mode;\"; sleep 300) | psql pulse'"
)
STACK = {
    "apps": [
        {
            "name": "pulse",
            "framework": "fastapi",
            "domains": ["pulse.test"],
            "source": {"path": "examples/apps/pulse"},
            "asgi": "pulse.main:app",
            "edge": EDGE,
            "web": {"server": "uvicorn", "max_request_time": 10},
            "database": True,
            "static": {"root": "pulse/static"},
            "release_commands": ["alembic upgrade head"],
            "migrations": "alembic current && alembic history",
        },
        {
            "name": "memo",
            "framework": "flask",
            "domains": ["memo.test"],
            "source": {"path": "examples/apps/memo"},
            "wsgi": "memo:app",
            "edge": EDGE,
            "database": True,
            "release_commands": ["flask --app memo init-db"],
        },
        {
            "name": "guestbook",
            "framework": "flask",
            "domains": ["guestbook.test"],
            "source": {"path": "examples/apps/guestbook"},
            "wsgi": "guestbook:app",
            "database": True,
            "release_commands": ["flask --app guestbook init-db"],
            "frontend": True,
            "edge": EDGE
            | {"locations": [{"path": "/ws/", "app": "pulse"}, {"path": "/api/readings/", "app": "pulse"}]},
        },
        {
            "name": "visitors",
            "framework": "flask",
            "domains": ["visitors.test"],
            "source": {"path": "examples/apps/guestbook"},
            "wsgi": "guestbook:app",
            "database": True,
            "release_commands": ["flask --app guestbook init-db"],
            "frontend": {"path": "site", "kind": "node", "memory_max_mb": 400},
            "edge": EDGE_OF_NEXT,
        },
    ]
}


@dataclass(frozen=True)
class Examples:
    """The host, and what the first two runs said."""

    host: Host
    project: Project
    first: Run
    second: Run


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    with sandbox_host("examples", "debian12") as host:
        project = Project(tmp_path_factory.mktemp("examples"), host.inventory())
        project.stack_file.write_text(yaml.safe_dump({"stack": STACK}))
        yield Examples(
            host, project, first=project.run("roost", "up", "-e", "test"), second=project.playbook("site.yml")
        )


@pytest.fixture
def host(examples: Examples) -> Host:
    return examples.host


def query(host: Host, database: str, statement: str) -> list[str]:
    return host.run(f'runuser -u postgres -- psql -tA {database} -c "{statement}"').split()


def release_of(host: Host, site: str) -> object:
    return host.json(f"{site}/health/")["release"]


def test_two_runs_converge(examples: Examples) -> None:
    assert examples.first.code == 0, examples.first.output[-4000:]
    assert examples.second.code == 0, examples.second.output[-4000:]
    assert examples.second.changed_tasks() == []


def test_each_application_has_its_server(host: Host) -> None:
    assert "/bin/uvicorn --fd=3" in host.run("systemctl status 'pulse@*.service' --no-pager --full")
    assert "/bin/gunicorn" in host.run("systemctl status 'memo@*.service' --no-pager --full")


@pytest.mark.parametrize("site", [PULSE, MEMO])
def test_http2_is_negotiated(host: Host, site: str) -> None:
    assert host.curl(f"{site}/", "--http2", "--output", "/dev/null", "--write-out", "%{http_version}") == "2"


def test_pages_come_with_their_styles(host: Host) -> None:
    for site, name in ((PULSE, "pulse"), (MEMO, "memo")):
        assert f"/static/{name}.css" in host.curl(f"{site}/")
        assert "{" in host.curl(f"{site}/static/{name}.css")
    # Only nginx answers like this: it serves the copy in the release's static folder.
    assert "cache-control: no-cache" in host.curl(f"{PULSE}/static/pulse.js", "--head")


def test_migrations_are_applied(host: Host) -> None:
    assert query(host, "pulse", "select version_num from alembic_version") == ["0002"]
    assert query(host, "pulse", "select indexname from pg_indexes where indexname = 'ix_readings_sensor'")


def test_posts_write_rows(host: Host) -> None:
    host.curl(f"{PULSE}/api/readings/", "--json", json.dumps({"sensor": "acceptance", "value": 21.5}))
    assert query(host, "pulse", "select value from readings where sensor = 'acceptance'") == ["21.5"]
    assert "acceptance" in host.curl(f"{PULSE}/")
    before = host.json(f"{MEMO}/api/counter/")["value"]
    after = host.json(f"{MEMO}/api/counter/", "--request", "POST")["value"]
    assert (before, after) == (0, 1)
    assert query(host, "memo", "select value from counter") == ["1"]


@pytest.mark.parametrize("domain", ["pulse.test", "guestbook.test"])
def test_websocket_answers_through_nginx(host: Host, domain: str) -> None:
    printed = host.run(f"touch /root/websocket.stop; {PYTHON} - {domain} <<'PY'\n{CLIENT}PY\n")
    assert printed.split() == [release_of(host, PULSE), "1", "1000"]


def test_one_domain_leads_to_several_applications(host: Host) -> None:
    reading = {"sensor": "routed", "value": 3.5}
    host.curl(f"{GUESTBOOK}/api/readings/", "--json", json.dumps(reading))
    assert query(host, "pulse", "select value from readings where sensor = 'routed'") == ["3.5"]
    assert [host.status(f"{site}/api/entries/") for site in (GUESTBOOK, PULSE)] == [200, 404]
    assert "<title>Guestbook</title>" in host.curl(f"{GUESTBOOK}/")


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
def test_events_arrive_one_by_one(host: Host, accept: str) -> None:
    seconds = host.run(
        f"curl -sk --no-buffer --max-time 5 --resolve pulse.test:443:127.0.0.1 -H 'Accept: {accept}' {PULSE}/events/"
        " | while read -r line; do case $line in data:*) date +%s;; esac; done"
    ).split()
    assert len(set(seconds)) >= 3, seconds


def test_a_slow_answer_arrives(host: Host) -> None:
    assert host.json(f"{PULSE}/slow/?seconds=3") == {"slept": 3}


def test_health_turns_503_without_database(host: Host) -> None:
    host.run("systemctl stop postgresql@*")
    try:
        codes = [host.status(f"{site}/health/") for site in (PULSE, MEMO)]
    finally:
        host.run("systemctl start postgresql")
    assert codes == [503, 503]
    assert [host.status(f"{site}/health/") for site in (PULSE, MEMO)] == [200, 200]


def test_a_deploy_fails_no_request_and_moves_websockets_to_the_new_release(examples: Examples, tmp_path: Path) -> None:
    host, project = examples.host, examples.project
    source = tmp_path / "pulse"
    project.run("cp", "-r", str(APPS / "pulse"), str(source))
    (source / "release.txt").write_text("two\n")
    project.edit_stack(source={"path": str(source)})
    old = release_of(host, PULSE)
    with PulseLoad(host, tmp_path) as load:
        deploy = project.run("roost", "deploy", "-e", "test")
        wait_for_reconnection(host)
    new = release_of(host, PULSE)
    assert deploy.code == 0, deploy.output[-4000:]
    assert new != old
    assert [connection.release for connection in load.sockets] == [old, new]
    assert as_expected(load.sockets), load.sockets
    assert load.failures == []
    assert all(answers.seconds for answers in load.answers.values())
    assert (load.rows().lost, load.rows().doubled) == (0, 0)


def test_a_release_that_can_not_start_keeps_the_old_one(examples: Examples, tmp_path: Path) -> None:
    host, project = examples.host, examples.project
    source = tmp_path / "pulse"
    project.run("cp", "-r", str(APPS / "pulse"), str(source))
    (source / "pulse" / "main.py").write_text("raise RuntimeError('this release is bad')\n")
    project.edit_stack(source={"path": str(source)})
    before = release_of(host, PULSE)
    bad = project.run("roost", "deploy", "-e", "test")
    project.edit_stack(source={"path": "examples/apps/pulse"})
    assert bad.code != 0
    assert "this release is bad" in bad.output
    assert release_of(host, PULSE) == before


def cache_control(host: Host, url: str) -> str:
    headers = host.curl(url, "--head").lower().splitlines()
    return next((line.partition(": ")[2] for line in headers if line.startswith("cache-control:")), "")


def linked_files(host: Host, url: str) -> list[str]:
    """Return the paths of the scripts and styles that a page refers to, those alone whose names carry a hash."""
    return re.findall(r'(?:src|href)="(/[^"]*/[^"]*[.-][^"]{8,}\.(?:js|css))"', host.curl(url))


def test_a_single_page_application_answers_all_but_the_urls_of_its_application(host: Host) -> None:
    page = host.curl(f"{GUESTBOOK}/")
    assert "<title>Guestbook</title>" in page
    assert host.curl(f"{GUESTBOOK}/entries/7") == page
    assert host.json(f"{GUESTBOOK}/api/entries/", "--json", json.dumps({"name": "Ada", "text": "Lovely."}))["id"] == 1
    assert host.status(f"{GUESTBOOK}/api/nothing/") == 404
    assert release_of(host, GUESTBOOK)


def test_browsers_keep_files_with_a_hash_and_ask_again_for_pages(host: Host) -> None:
    files = linked_files(host, f"{GUESTBOOK}/")
    assert {Path(file).suffix for file in files} == {".js", ".css"}
    assert {cache_control(host, f"{GUESTBOOK}{file}") for file in files} == {"public, max-age=31536000, immutable"}
    assert {cache_control(host, f"{GUESTBOOK}{path}") for path in ("/", "/entries/7", "/icon.svg")} == {"no-cache"}
    assert host.status(f"{GUESTBOOK}/assets/index-00000000.js") == 404


def answer_to(host: Host, url: str, encoding: str) -> tuple[dict[str, str], str]:
    """Return the headers of what a browser gets that takes this encoding, and the digest of the bytes as sent."""
    request = (
        f"curl -sk --max-time 10 --resolve '{urlsplit(url).hostname}:443:127.0.0.1' -H 'Accept-Encoding: {encoding}'"
    )
    printed = host.run(f"{request} -D - -o /root/answer {url}; sha256sum < /root/answer").splitlines()
    headers = [line.partition(": ") for line in printed if ": " in line]
    return {name.lower(): value.strip() for name, _, value in headers}, printed[-1].split()[0]


@pytest.mark.parametrize(("encoding", "ending"), [("br", "br"), ("gzip", "gz")])
def test_files_are_sent_as_they_were_compressed_by_the_build(host: Host, encoding: str, ending: str) -> None:
    script = next(file for file in linked_files(host, f"{GUESTBOOK}/") if file.endswith(".js"))
    for site, path, folder, lasting in (
        (PULSE, "/static/pulse.css", "/srv/pulse/current", "no-cache"),
        (GUESTBOOK, script, "/srv/guestbook/current/frontend", "public, max-age=31536000, immutable"),
    ):
        headers, digest = answer_to(host, f"{site}{path}", encoding)
        assert (headers["content-encoding"], headers["vary"]) == (encoding, "Accept-Encoding")
        assert headers["cache-control"] == lasting
        assert host.run(f"sha256sum < {folder}{path}.{ending}").split()[0] == digest


def test_npm_runs_neither_as_root_nor_as_the_application(host: Host) -> None:
    owners = host.run("stat -c %U /var/cache/roost/npm /var/cache/roost/npm/_cacache").split()
    assert owners == ["roost-build"] * 2
    release = "/srv/guestbook/current"
    assert host.run(f"find {release}/frontend ! -user root").split() == []
    assert host.run(f"ls {release}/src/frontend").split().count("node_modules") == 0


def test_a_server_of_next_renders_pages_beside_its_application(host: Host) -> None:
    entry = {"name": "Grace", "text": "Rendered on the server."}
    number = host.json(f"{VISITORS}/api/entries/", "--json", json.dumps(entry))["id"]
    for page in ("/", f"/entries/{number}"):
        assert entry["text"] in host.curl(f"{VISITORS}{page}")
    assert [host.status(f"{VISITORS}{path}") for path in ("/entries/999", "/icon.svg", "/health/")] == [404, 200, 200]
    files = re.findall(r"/_next/static/[^\"?]*\.js", host.curl(f"{VISITORS}/"))
    assert {cache_control(host, f"{VISITORS}{file}") for file in files} == {"public, max-age=31536000, immutable"}


def test_a_browser_uses_each_example_and_complains_of_nothing(host: Host, tmp_path: Path) -> None:
    with browser_at(host, tmp_path) as browser:
        with visit(browser, f"{PULSE}/", "pulse") as page:
            expect(page.locator("#socket")).to_have_text("open")
            page.get_by_label("Sensor").fill("browser")
            page.get_by_label("Value").fill("4.5")
            page.get_by_role("button").click()
            expect(page.get_by_role("cell", name="browser").first).to_be_visible()
        with visit(browser, f"{MEMO}/", "memo") as page:
            page.get_by_role("button").click()
            expect(page.get_by_text("1 of these was yours.")).to_be_visible()
        for site, picture in ((GUESTBOOK, "guestbook"), (VISITORS, "visitors")):
            with visit(browser, f"{site}/", picture) as page:
                page.get_by_label("Your name").fill("A browser")
                page.get_by_label("Text").fill("was here.")
                page.get_by_role("button").click()
                expect(page.get_by_text("was here.").first).to_be_visible()


def test_the_policy_of_a_page_keeps_foreign_scripts_out(host: Host, tmp_path: Path) -> None:
    with browser_at(host, tmp_path) as browser, browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(f"{PULSE}/")
        assert refuses_foreign_scripts(page)


def test_the_server_of_a_front_end_listens_on_its_socket_alone(host: Host) -> None:
    assert host.run("pgrep --uid visitors --count --full next-server").split() == ["1"]
    assert "next-server" not in host.run("ss --listening --tcp --udp --processes --no-header")
    assert host.run("readlink /srv/visitors/frontend.sock").startswith("/run/visitors-frontend/")


def test_a_front_end_that_fails_to_build_leaves_the_live_release(examples: Examples, tmp_path: Path) -> None:
    host, project = examples.host, examples.project
    source = tmp_path / "guestbook"
    project.run("cp", "-r", str(APPS / "guestbook"), str(source))
    (source / "frontend" / "src" / "App.jsx").write_text("export default function App( {")
    project.edit_stack("guestbook", source={"path": str(source)})
    release, page = release_of(host, GUESTBOOK), host.curl(f"{GUESTBOOK}/")
    failed = project.run("roost", "deploy", "-e", "test", "--app", "guestbook")
    assert failed.code != 0
    assert "`npm run build` failed" in failed.output
    assert "App.jsx" in failed.output
    assert (release_of(host, GUESTBOOK), host.curl(f"{GUESTBOOK}/")) == (release, page)
    assert host.run("ls /srv/guestbook/releases").split() == [release]


def test_a_page_loaded_before_a_deploy_still_finds_its_files(examples: Examples, tmp_path: Path) -> None:
    host, project = examples.host, examples.project
    source = tmp_path / "guestbook"
    project.run("cp", "-r", str(APPS / "guestbook"), str(source))
    with (source / "frontend" / "src" / "style.css").open("a") as styles:
        styles.write("h1 { color: teal; }\n")
    project.edit_stack("guestbook", source={"path": str(source)})
    before = linked_files(host, f"{GUESTBOOK}/")
    deploy = project.run("roost", "deploy", "-e", "test", "--app", "guestbook")
    assert deploy.code == 0, deploy.output[-4000:]
    after = linked_files(host, f"{GUESTBOOK}/")
    assert set(after) - set(before)
    assert [host.status(f"{GUESTBOOK}{file}") for file in {*before, *after}] == [200] * len({*before, *after})
    assert cache_control(host, f"{GUESTBOOK}{before[-1]}").endswith("immutable")


def test_gunicorn_serves_the_same_release_and_next_moves_without_a_failed_request(examples: Examples) -> None:
    host, project = examples.host, examples.project
    release, socket = release_of(host, PULSE), host.run("readlink /srv/visitors/frontend.sock")
    project.edit_stack(web={"server": "gunicorn"})
    project.edit_stack("visitors", env={"MOVED": "yes"})
    host.run(
        "rm -f /root/visits.stop\n"
        "cat > /root/visits.sh <<'SH'\n"
        "until [ -e /root/visits.stop ]; do curl -sk -o /dev/null -o /dev/null --max-time 20 -w '%{http_code}\\n'"
        f" --resolve visitors.test:443:127.0.0.1 {VISITORS}/ {VISITORS}/api/entries/; sleep 0.1; done\nSH\n"
        "systemd-run --quiet --collect --unit=visits -p StandardOutput=file:/root/visits.log bash /root/visits.sh\n"
    )
    moved = project.run("roost", "up", "-e", "test")
    codes = host.run(
        "touch /root/visits.stop; while systemctl is-active -q visits; do sleep 0.2; done; cat /root/visits.log"
    ).split()
    assert moved.code == 0, moved.output[-4000:]
    assert release_of(host, PULSE) == release
    assert "/bin/gunicorn" in host.run("systemctl status 'pulse@*.service' --no-pager --full")
    assert host.run("readlink /srv/visitors/frontend.sock") != socket
    assert len(codes) > 50
    assert set(codes) == {"200"}
    test_websocket_answers_through_nginx(host, "pulse.test")
    test_events_arrive_one_by_one(host, "text/event-stream")


@pytest.fixture
def migrating(examples: Examples, tmp_path: Path) -> Project:
    """The project with a version of pulse that brings a migration, which is not deployed yet."""
    source = tmp_path / "pulse"
    examples.project.run("cp", "-r", str(APPS / "pulse"), str(source))
    (source / "migrations" / "versions" / "0003_unit.py").write_text(MIGRATION)
    database = {"migration_lock_timeout": 2, "backup_before_migrations": True}
    examples.project.edit_stack(source={"path": str(source)}, database=database)
    return examples.project


def test_migrations_are_bounded_backed_up_and_not_rolled_back_over(host: Host, migrating: Project) -> None:
    old, folders = release_of(host, PULSE), host.run("ls -A /srv/pulse/releases")
    checked = migrating.run("roost", "deploy", "-e", "test", "--check")
    assert checked.code == 0, checked.output[-4000:]
    assert "pulse: 1 migration would be applied:\n  0003\n" in checked.output
    assert host.run("ls -A /srv/pulse/releases") == folders

    host.run(HOLD_LOCK)
    locked = migrating.run("roost", "deploy", "-e", "test", "--app", "pulse")
    host.run("systemctl stop holder")
    assert locked.code == 5
    assert "`alembic upgrade head` waited 2 s for a lock of the database and gave up" in locked.output
    assert re.search(r"process \d+ \(psql\) holds locks on readings", locked.output), locked.output
    assert release_of(host, PULSE) == old

    deployed = migrating.run("roost", "deploy", "-e", "test", "--app", "pulse")
    assert deployed.code == 0, deployed.output[-4000:]
    assert "pulse: 1 migration applied:\n  0003\n" in deployed.output
    assert query(host, "pulse", "select version_num from alembic_version") == ["0003"]
    (dump,) = re.findall(r"the database of before is in (/var/backups/roost/pulse/\S+\.dump)\.", deployed.output)
    assert host.run(f"stat -c '%a %U' {dump}").split() == ["600", "root"]
    host.run(f"runuser -u postgres -- createdb before && runuser -u postgres -- pg_restore --dbname=before < {dump}")
    assert query(host, "before", "select version_num from alembic_version") == ["0002"]
    assert query(host, "before", "select count(*) from readings") == query(
        host, "pulse", "select count(*) from readings"
    )

    new = release_of(host, PULSE)
    refused = migrating.run("roost", "rollback", "-e", "test", "--app", "pulse")
    assert refused.code == 5
    assert f"the database has migrations that release {old} does not know: 0003." in refused.output
    assert release_of(host, PULSE) == new
    back = '{"app_rollback": ["pulse"], "app_allow_schema_mismatch": true}'
    allowed = migrating.playbook("playbooks/rollback.yml", "-e", back)
    assert allowed.code == 0, allowed.output[-4000:]
    assert "does not know: 0003." in allowed.output
    assert release_of(host, PULSE) == old
