"""nginx as clients meet it."""

import base64
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
TLS = "openssl s_client -connect localhost:443 -servername atlas.test {} </dev/null 2>&1"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}
SECURITY_HEADERS_OF = {
    "atlas": SECURITY_HEADERS
    | {
        "referrer-policy": "same-origin",
        "content-security-policy": "default-src 'self'; img-src \"x\"",
    },
    "down": SECURITY_HEADERS | {"referrer-policy": "strict-origin-when-cross-origin"},
}
# Of a page of Roost's, whatever the site has.
PAGE_POLICY = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "content-security-policy-report-only": None,
}


class Answer:
    """What curl received: HTTP version, status, headers by lower-case name, body."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        status_line, *lines = head.split("\r\n")
        self.version, self.status = status_line.split()[0], int(status_line.split()[1])
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        vary = [value for name, value in pairs if name == "vary"]
        pairs = [pair for pair in pairs if pair[0] != "vary"] + ([("vary", ", ".join(vary))] if vary else [])
        self.headers = dict(pairs)
        assert len(self.headers) == len(pairs), f"a header came twice: {pairs}"


@pytest.fixture
def get(host):
    def get(url, options=""):
        name = re.match(r"https?://([^/]+)", url).group(1)
        resolve = f"--resolve {name}:443:127.0.0.1 --resolve {name}:80:127.0.0.1"
        return Answer(host.check_output(f"curl --silent --insecure --include --max-time 20 {resolve} {options} {url}"))

    return get


def test_site_answers_with_http2(get):
    answer = get("https://atlas.test/", "--http2")
    assert (answer.version, answer.status) == ("HTTP/2", 200)


def test_application_learns_who_asks_and_how(get):
    forged = " ".join(
        f"--header '{header}'"
        for header in (
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-Host: evil.test",
            "Forwarded: for=6.6.6.6",
            "Proxy: evil",
        )
    )
    answer = get("https://www.atlas.test/", forged)
    received = json.loads(answer.body)
    assert received.pop("X-Request-ID") == answer.headers["x-request-id"]
    assert {name: received[name] for name in received if name.startswith("X-") or name == "Host"} == {
        "Host": "www.atlas.test",
        "X-Real-IP": "127.0.0.1",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "www.atlas.test",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    assert "Forwarded" not in received
    assert "Proxy" not in received


def test_http_is_redirected(get):
    answer = get("http://www.atlas.test/path?query=1")
    assert answer.status == 301
    assert answer.headers["location"] == "https://www.atlas.test/path?query=1"


def test_redirect_domain_leads_to_the_canonical_one(get):
    answer = get("https://atlas.example/path?query=1")
    assert answer.status == 301
    assert answer.headers["location"] == "https://atlas.test/path?query=1"
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize(
    "url", ["http://unknown.test/", "http://127.0.0.1/", "https://unknown.test/", "https://127.0.0.1/"]
)
def test_unknown_host_gets_no_answer(host, url):
    name = url.split("/")[2]
    result = host.run(
        f"curl --silent --insecure --include --resolve {name}:443:127.0.0.1 --resolve {name}:80:127.0.0.1 {url}"
    )
    assert result.rc != 0
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["atlas.test", "unknown.test"])
def test_acme_challenge_is_answered_for_any_host(get, name):
    answer = get(f"http://{name}/.well-known/acme-challenge/token")
    assert (answer.status, answer.body) == (200, "proof")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://atlas.test/", 200),
        ("https://atlas.test/missing", 404),
        ("https://atlas.test/static/missing.css", 404),
        ("https://atlas.test/static/logo.svg", 200),
        ("https://atlas.test/slow", 504),
        ("https://atlas.test/.roost/unavailable.html", 404),
        ("https://atlas.example/", 301),
        ("http://atlas.test/", 301),
        ("https://down.test/", 502),
        ("https://atlas.test/inner/", 403),
        ("https://plain.test/inner/", 403),
    ],
)
def test_security_headers_on_every_answer(get, url, status):
    answer = get(url)
    assert answer.status == status
    expected = SECURITY_HEADERS_OF["atlas" if "atlas" in url else "down"]
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert len(answer.headers["x-request-id"]) == 32
    hsts = answer.headers.get("strict-transport-security")
    scope = "; includeSubDomains" if "atlas" in url else ""
    assert hsts == (f"max-age=63072000{scope}" if url.startswith("https:") else None)
    assert answer.headers["server"] == "nginx"


def test_header_of_the_application_wins(get):
    answer = get("https://atlas.test/own-headers")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-request-id"] != "mine"


CORS = "access-control-allow-"


@pytest.mark.parametrize("url", ["https://atlas.test/", "https://atlas.test/static/logo.svg", "https://atlas.test/no"])
def test_scripts_of_a_declared_site_may_read_the_answer(get, url):
    headers = get(url, "--header 'Origin: https://beta.test:8443'").headers
    assert headers[f"{CORS}origin"] == "https://beta.test:8443"
    assert headers[f"{CORS}credentials"] == "true"
    assert headers["access-control-expose-headers"] == "X-Total"
    assert "Origin" in headers["vary"]
    assert f"{CORS}methods" not in headers
    for options in ("", "--header 'Origin: https://evil.test'", "--header 'Origin: https://app.test.evil.test'"):
        assert not [name for name in get(url, options).headers if name.startswith(CORS)]


def test_a_preflight_is_answered_for_a_declared_site_only(get):
    ask = "--request OPTIONS --header 'Access-Control-Request-Method: PUT' --header 'Origin: {}'"
    answer = get("https://atlas.test/missing", ask.format("https://app.test"))
    assert answer.status == 204
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        f"{CORS}origin": "https://app.test",
        f"{CORS}credentials": "true",
        f"{CORS}methods": "GET, PUT",
        f"{CORS}headers": "Content-Type",
        "access-control-expose-headers": "X-Total",
        "access-control-max-age": "60",
    }
    # This one reaches the application.
    assert get("https://atlas.test/missing", ask.format("https://evil.test")).status == 501


def test_an_application_that_says_who_may_read_has_the_word(get):
    answer = get("https://atlas.test/own-headers", "--header 'Origin: https://app.test'")
    assert answer.headers[f"{CORS}origin"] == "https://own.test"


def test_friendly_page_while_the_application_is_down(get):
    answer = get("https://down.test/some/page", "--request POST --data x")
    assert answer.status == 502
    assert "We will be right back" in answer.body
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["retry-after"] == "10"
    assert "back" not in get("https://down.test/.roost/unavailable.html").body


def test_own_503_of_the_application_is_passed_on(get):
    answer = get("https://atlas.test/busy")
    assert (answer.status, json.loads(answer.body)) == (503, {"ready": False})


def test_slow_request_is_ended(get):
    start = time.monotonic()
    answer = get("https://atlas.test/slow")
    assert answer.status == 504
    assert "Atlas rests" in answer.body, "its own page"
    assert time.monotonic() - start < 8


def test_request_body_is_limited(get):
    assert get("https://atlas.test/", "--data-binary @/srv/atlas/static/logo.svg").status == 200
    assert get("https://atlas.test/", "--form file=@/usr/bin/python3").status == 413
    assert "Less please" not in get("https://atlas.test/.roost/too_large.html").body


CHUNKED = "--header Transfer-Encoding:chunked --header Expect:"


@pytest.mark.parametrize("way", ["--http2", "--http1.1", "--http1.1 --header Expect:", f"--http1.1 {CHUNKED}"])
@pytest.mark.parametrize(
    ("site", "says"), [("atlas", "Less please"), ("down", "That was too much"), ("plain", "Less please")]
)
def test_what_is_too_large_is_told_by_a_page(host, get, site, says, way):
    crashes = "grep -c 'exited on signal' /var/log/nginx/error.log || true"
    before = host.check_output(crashes)
    answer = get(f"https://{site}.test/", f"{way} --data-binary @/usr/bin/python3")
    assert answer.status == 413
    assert f"<h1>{says}</h1>" in answer.body
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert host.check_output(crashes) == before, "a worker died"


@pytest.mark.parametrize(
    ("url", "options", "status"),
    [
        ("https://down.test/", "", 502),
        ("https://down.test/", "--form file=@/usr/bin/python3", 413),
        ("https://plain.test/inner/", "", 403),
    ],
)
def test_a_page_of_roosts_has_a_policy_that_lets_it_look_as_meant(get, url, options, status):
    answer = get(url, options)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in PAGE_POLICY} == PAGE_POLICY
    assert "<style>" in answer.body


def test_a_page_of_the_sites_has_the_policy_of_the_site(get):
    answer = get("https://plain.test/", "--form file=@/usr/bin/python3")
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert answer.headers["content-security-policy-report-only"] == "style-src 'none'"


def test_a_larger_upload_than_elsewhere_meets_the_page_of_its_failure(host, get):
    host.check_output("systemctl stop atlas")
    try:
        answer = get("https://atlas.test/upload/", "--header Expect: --form file=@/usr/bin/python3")
    finally:
        host.check_output("systemctl start atlas && until [ -S /srv/atlas/live.sock ]; do sleep 0.1; done")
    assert (answer.status, answer.body) == (502, "<h1>Atlas rests</h1>")


@pytest.mark.parametrize(
    ("path", "cache_control"),
    [
        ("/static/site.55e7cbb9ba48.css", "public, max-age=31536000, immutable"),
        ("/static/logo.svg", "no-cache"),
        ("/static/missing.55e7cbb9ba48.css", None),
        ("/media/photo.0123456789ab.txt", "no-cache"),
    ],
)
def test_only_names_with_a_hash_are_cached_for_ever(get, path, cache_control):
    assert get(f"https://atlas.test{path}").headers.get("cache-control") == cache_control


def test_modules_have_the_type_that_browsers_ask_for(get):
    assert get("https://atlas.test/static/map.mjs").headers["content-type"] == "text/javascript"


def test_files_of_the_release_before_are_found_unless_the_present_one_has_them(get):
    earlier = get("https://atlas.test/static/site.0123456789ab.css")
    assert (earlier.status, earlier.body) == (200, "earlier {}")
    assert earlier.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert earlier.headers["content-type"] == "text/css"
    assert get("https://atlas.test/static/logo.svg").body == "<svg/>"


@pytest.mark.parametrize(
    ("options", "status"),
    [("", 401), ("--user inga:wrong", 401), ("--user inga:sesame", 200), ("--user eve:sesame", 401)],
)
def test_protected_path_asks_for_a_password(get, options, status):
    assert get("https://atlas.test/inside/page", options).status == status


def test_a_location_with_a_rate_answers_429_beyond_it_and_others_go_on(get):
    answers = [get("https://atlas.test/limited") for _ in range(4)]
    assert [answer.status for answer in answers][-2:] == [429, 429]
    assert answers[-1].headers["retry-after"] == "10"
    assert answers[-1].headers["x-frame-options"] == "SAMEORIGIN"
    assert "Too many requests" in answers[-1].body
    assert {name: answers[-1].headers.get(name) for name in PAGE_POLICY} == PAGE_POLICY
    assert get("https://atlas.test/").status == 200


def test_a_location_limits_what_is_open_at_once(host, get):
    slow = "curl --silent --insecure --output /dev/null --resolve atlas.test:443:127.0.0.1 https://atlas.test/few/slow"
    host.check_output(f"({slow} >/dev/null 2>&1 &) ; sleep 1")
    assert get("https://atlas.test/few/other").status == 429
    time.sleep(6)
    assert get("https://atlas.test/few/other").status == 404


@pytest.mark.parametrize(("path", "status"), [("/inner/", 403), ("/outer/", 200)])
def test_a_location_admits_addresses(get, path, status):
    answer = get(f"https://atlas.test{path}")
    assert answer.status == status
    assert ("Atlas is private" in answer.body) == (status == 403)
    assert get(f"https://atlas.test{path}", "--request POST --data x").status == status


@pytest.mark.parametrize("way", ["", "--header 'Upgrade: websocket'", "--header 'Accept: text/event-stream'"])
@pytest.mark.parametrize("path", ["/secret/", "/pages/"])
def test_a_location_asks_for_a_password_on_every_way(get, path, way):
    answer = get(f"https://atlas.test{path}", way)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="Restricted"')
    assert get(f"https://atlas.test{path}", f"{way} --user inga:wrong").status == 401


def test_a_password_opens_a_location_and_is_kept_from_the_application(get):
    answer = get("https://atlas.test/secret/", "--user inga:sesame")
    assert answer.status == 200
    assert "Authorization" not in json.loads(answer.body)
    assert get("https://atlas.test/pages/some/page", "--user inga:sesame").body == "<h1>Pages</h1>"


def test_remembered_answers_outlast_their_application(host, get):
    url = f"https://atlas.test/news/{time.time()}"
    first, second = get(url), get(url)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("MISS", "HIT")
    assert first.body == second.body
    assert second.headers["x-frame-options"] == "SAMEORIGIN"
    mine = get(url, "--cookie session=1")
    assert (mine.headers["x-cache"], mine.body != first.body) == ("BYPASS", True)
    time.sleep(4)
    host.check_output("systemctl stop atlas")
    try:
        stale = get(url)
        assert get(f"{url}/unknown").status == 502
    finally:
        host.check_output("systemctl start atlas && until [ -S /srv/atlas/live.sock ]; do sleep 0.1; done")
    assert (stale.status, stale.body) == (200, first.body)
    assert stale.headers["x-cache"] in {"STALE", "UPDATING"}


def test_a_location_has_limits_of_its_own(get):
    assert get("https://atlas.test/upload/", "--form file=@/usr/bin/python3").status == 200
    assert get("https://atlas.test/", "--form file=@/usr/bin/python3").status == 413


def test_snippets_are_taken_as_they_are(get):
    answer = get("https://atlas.test/own/")
    assert (answer.status, answer.headers["x-own"]) == (200, "yes")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert get("https://atlas.test/brewing").body == "tea"


def test_only_a_trusted_proxy_is_believed_whose_request_it_passes_on(get):
    claim = "--header 'X-Visitor: 198.51.100.7' --interface {}"
    assert json.loads(get("https://atlas.test/", claim.format("127.0.0.2")).body)["X-Real-IP"] == "198.51.100.7"
    assert json.loads(get("https://atlas.test/", claim.format("127.0.0.9")).body)["X-Real-IP"] == "127.0.0.9"


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_text_is_compressed(get, encoding):
    answer = get("https://atlas.test/static/site.55e7cbb9ba48.css", f"--header 'Accept-Encoding: {encoding}' --head")
    assert answer.headers["content-encoding"] == encoding
    assert "Accept-Encoding" in answer.headers["vary"]


def test_websocket_stays_open_longer_than_a_request(host):
    key = "--header 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' --header 'Sec-WebSocket-Version: 13'"
    upgrade = "--header 'Connection: Upgrade' --header 'Upgrade: websocket'"
    curl = "curl --silent --insecure --include --http1.1 --max-time 15 --resolve atlas.test:443:127.0.0.1"
    encoded = host.check_output(f"{curl} {upgrade} {key} https://atlas.test/socket | base64")
    answer = base64.b64decode(encoded)
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert answer.endswith(b"hello")


def stream(host, path, seconds, options):
    curl = f"curl --silent --insecure --no-buffer --max-time {seconds} --resolve atlas.test:443:127.0.0.1"
    return host.run(f"{curl} {options} https://atlas.test{path}").stdout


@pytest.mark.parametrize("method", ["", "--data x"])
def test_event_stream_arrives_at_once_and_outlasts_a_request(host, method):
    accept = f"--header 'Accept: text/event-stream' {method}"
    assert stream(host, "/events", 4, accept) == "data: first\n\n"
    assert stream(host, "/events", 15, accept) == "data: first\n\ndata: second\n\n"


def test_an_answer_can_ask_not_to_be_buffered(host):
    assert stream(host, "/events/unbuffered", 4, "") == "data: first\n\n"
    assert stream(host, "/events", 4, "") == ""


def test_each_request_is_one_json_line_of_its_site(host, get):
    request_id = get("https://atlas.test/missing?x=%22", "--user-agent 'a\"b'").headers["x-request-id"]
    lines = host.check_output("tail -n 50 /var/log/nginx/atlas.access.log").splitlines()
    (entry,) = [entry for entry in map(json.loads, lines) if entry["request_id"] == request_id]
    assert (entry["status"], entry["method"], entry["uri"]) == (404, "GET", "/missing?x=%22")
    assert entry["user_agent"] == 'a"b'
    assert entry["tls"] == "TLSv1.3"
    assert 0 <= float(entry["upstream_response_seconds"]) < 5
    assert 0 <= entry["request_seconds"] < 5


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ("-tls1_3", True),
        ("-tls1_2", True),
        ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", False),
        ("-tls1 -cipher DEFAULT@SECLEVEL=0", False),
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", True),
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", False),
        ("-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA", False),
        ("-curves X25519", True),
        ("-curves prime256v1", True),
        ("-curves secp384r1", True),
        ("-curves secp521r1", False),
        ("-curves X448", False),
    ],
)
def test_tls_is_what_mozilla_recommends(host, options, accepted):
    output = host.run(TLS.format(options)).stdout
    assert bool(re.search(r"^New, TLSv1\.[23], Cipher is [A-Z]", output, re.MULTILINE)) == accepted, output


def test_sslyze_finds_what_mozilla_recommends(host, tmp_path):
    authority = tmp_path / "authority.pem"
    authority.write_text(host.file("/srv/authority.pem").content_string)
    address = host.check_output("hostname -I").split()[0]
    command = [
        PROJECT / ".cache" / "sslyze" / "bin" / "sslyze",
        "--mozilla_config",
        "intermediate",
        "--sni",
        "atlas.test",
    ]
    command += ["--certinfo_ca_file", authority, f"{address}:443"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"{address}:443: OK - Compliant." in run.stdout, run.stdout[-2000:] + run.stderr


ATTACK = "?comment=%3Cscript%3Ealert%28document.cookie%29%3C%2Fscript%3E"


AUDIT = "/var/log/nginx/modsecurity.audit"


@pytest.mark.parametrize("options", ["", "--data x=y", "--http1.1 --data x=y", "--http1.1 --form file=@/etc/hostname"])
def test_an_attack_is_refused_by_a_page_where_the_site_says_so_and_written_down(host, get, options):
    before = int(host.check_output(f"wc -l < {AUDIT}"))
    refused = get(f"https://down.test/{ATTACK}", options)
    assert (refused.status, refused.body) == (403, "<h1>Atlas is private</h1>")
    assert refused.headers["x-frame-options"] == "SAMEORIGIN"
    (line,) = map(json.loads, host.check_output(f"tail -n +{before + 1} {AUDIT}").splitlines())
    assert ATTACK in line["transaction"]["request"]["uri"]
    assert line["transaction"]["response"]["http_code"] == 403
    rules = {message["details"]["ruleId"] for message in line["transaction"]["messages"]}
    assert any(rule.startswith("941") for rule in rules)
    assert not rules & {"920170", "920171"}


def test_what_is_no_attack_is_let_through(get):
    assert get("https://down.test/?comment=Hello", "--request PUT --data x=y").status == 502


def test_an_attack_is_only_written_down_elsewhere(host, get):
    answer = get(f"https://atlas.test/limited-not{ATTACK}")
    assert answer.status == 404
    line = json.loads(host.check_output(f"tail -n 1 {AUDIT}"))
    assert ATTACK in line["transaction"]["request"]["uri"]
    assert any("XSS" in message["message"] for message in line["transaction"]["messages"])


def test_gixy_finds_nothing(host, tmp_path):
    dump = tmp_path / "nginx.conf"
    dump.write_text(host.check_output("nginx -T 2>/dev/null") + "\n")
    run = subprocess.run(["gixy", dump], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout


def test_session_tickets_are_off(host):
    assert "TLS session ticket" not in host.run(TLS.format("-tls1_2")).stdout


def test_unit_is_sandboxed(host):
    report = host.check_output("systemd-analyze security --no-pager nginx.service")
    score = float(re.search(r"Overall exposure level for nginx.service: (\S+)", report).group(1))
    assert score <= 2.7


def test_nginx_is_running_and_starts_at_boot(host):
    assert host.service("nginx").is_running
    assert host.service("nginx").is_enabled
    assert host.check_output("nginx -t 2>&1").count("warn") == 0


def test_reload_and_log_rotation_work_within_the_sandbox(host, get):
    host.check_output("systemctl reload nginx && logrotate --force /etc/logrotate.d/nginx")
    # nginx opens the new file when it has read its configuration.
    for _ in range(20):
        assert get("https://atlas.test/static/logo.svg").status == 200
        if host.file("/var/log/nginx/atlas.access.log").contains("/static/logo.svg"):
            break
        time.sleep(0.5)
    else:
        pytest.fail("nginx still writes to the file of before")
    assert host.file("/var/log/nginx/atlas.access.log.1").exists


def test_broken_site_is_rolled_back(host, get):
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    name = host.backend.host.name
    run = subprocess.run(
        ["ansible-playbook", f"--inventory={inventory}", f"--limit={name}", str(scenario / "broken.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "cannot load certificate" in run.stdout + run.stderr
    assert not host.file("/etc/nginx/sites-enabled/broken.conf").exists
    assert host.run("nginx -t").rc == 0
    assert get("https://atlas.test/").status == 200
