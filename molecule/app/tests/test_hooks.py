"""Hooks run in the release or on the controller, stop what must not go on, and tell others."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from deploying import get, new_version
from testinfra.host import Host

from tests.support.scenario import play, succeed

PEM = "/run/site443.pem"
CERTIFICATE = (
    f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=site -keyout {PEM} -out {PEM}.crt && cat {PEM}.crt >> {PEM}"
)


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a webhook on this machine, and what it was told."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/s3cret", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def hooks(url: str, *commands: dict[str, Any], smoke: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "commands": list(commands),
        "smoke": list(smoke),
        "domain": "site.example.com",
        "address": "127.0.0.1",
        "notices": [{"kind": "webhook", "url": url}],
    }


def test_every_point_is_run_once_with_the_facts(host: Host, source: Path, tmp_path: Path, told: Any) -> None:
    url, bodies = told
    before = get(host)["release"]
    points = ("before_build", "after_build", "before_switch", "after_switch")
    line = 'echo "$ROOST_POINT $ROOST_RELEASE $ROOST_PREVIOUS_RELEASE $ROOST_KIND"'
    inside = [{"point": point, "run": f'{line} >> "$MEDIA_ROOT/hooks"'} for point in points]
    here = {"point": "after_switch", "run": f"{line} > {tmp_path / 'here'}", "where": "controller"}
    host.check_output("rm -f /srv/site/media/hooks")
    extra = {"site_source": str(new_version(source)), "app_deploy": ["site"], "site_hooks": hooks(url, *inside, here)}
    run = play(host, "deploy.yml", **extra)
    succeed(run)
    release = get(host)["release"]
    assert host.file("/srv/site/media/hooks").content_string.splitlines() == [
        "before_build   deploy",
        f"after_build {release} {before} deploy",
        f"before_switch {release} {before} deploy",
        f"after_switch {release} {before} deploy",
    ]
    assert (tmp_path / "here").read_text() == f"after_switch {release} {before} deploy\n"
    assert [(body["release"], body["reason"]) for body in bodies] == [(release, "")]
    assert url not in run.stdout
    assert succeed(play(host, "deploy.yml", **extra)) <= 1
    assert len(bodies) == 1
    succeed(play(host, "rollback.yml", **extra, app_rollback=["site"]))
    assert host.file("/srv/site/media/hooks").content_string.splitlines()[-2:] == [
        f"before_switch {before} {release} rollback",
        f"after_switch {before} {release} rollback",
    ]
    assert [(body["kind"], body["release"]) for body in bodies[1:]] == [("rollback", before)]


def test_a_release_that_fails_its_smoke_test_goes_back_by_itself(host: Host, source: Path, told: Any) -> None:
    url, bodies = told
    before = get(host)["release"]
    note = {"point": "on_failure", "run": 'echo "$ROOST_PHASE: $ROOST_REASON" > "$MEDIA_ROOT/failed"; exit 1'}
    extra = {"app_deploy": ["site"], "site_hooks": hooks(url, note, smoke=("/health/",))}
    run = play(host, "deploy.yml", site_source=str(new_version(source)), **extra)
    assert run.returncode != 0
    assert f"release {before} serves again" in run.stdout, run.stdout
    assert "smoke test: https://site.example.com/health/ does not answer" in run.stdout
    assert get(host)["release"] == before
    reason = host.file("/srv/site/media/failed").content_string
    assert reason.startswith("after_switch: after_switch: smoke test: https://site.example.com/health/")
    assert [body["phase"] for body in bodies] == ["after_switch"]
    entries = [json.loads(line) for line in host.file("/srv/site/history.jsonl").content_string.splitlines()]
    assert [(entry["kind"], entry["outcome"]) for entry in entries[-3:]] == [
        ("deploy", "live"),
        ("deploy", "failed"),
        ("rollback", "live"),
    ]
    host.check_output(CERTIFICATE)
    host.check_output(f"systemd-run --quiet --unit=site443 openssl s_server -accept 443 -www -cert {PEM} -key {PEM}")
    try:
        succeed(play(host, "deploy.yml", site_source=str(new_version(source)), **extra))
    finally:
        host.check_output("systemctl stop site443")
    assert get(host)["release"] == bodies[-1]["release"] != before


def test_a_hook_that_fails_before_the_switch_leaves_the_old_release(host: Host, source: Path, told: Any) -> None:
    url, bodies = told
    before = get(host)["release"]
    stop = {"point": "before_switch", "run": "echo not today; exit 3", "where": "controller"}
    run = play(
        host,
        "deploy.yml",
        site_source=str(new_version(source)),
        app_deploy=["site"],
        site_hooks=hooks(url, stop),
    )
    assert run.returncode != 0
    assert "not today" in run.stdout
    assert get(host)["release"] == before
    assert [body["reason"] for body in bodies] == ["before_switch: `echo not today; exit 3` failed with exit code 3"]
