"""Certificates as clients of the sites meet them, with real certificate authorities and a real name server."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from testinfra import get_host

PRODUCTION, STAGING = "127.0.0.1", "127.0.0.2"
ISSUED = ["atlas", "borealis", "cirrus"]
ISSUER, RECEIVER = "molecule12", "molecule13"
ASKED = "openssl s_client -connect localhost:443 -servername bought.test -status </dev/null"
SERVED = "openssl s_client -connect localhost:443 -servername {} </dev/null 2>/dev/null | openssl x509 -noout -{}"


@pytest.fixture
def served(host):
    """One field of the certificate that nginx serves for a domain."""

    def served(domain, field):
        return host.check_output(SERVED.format(domain, field)).strip()

    return served


@pytest.fixture
def issued(host):
    """The certificates that this host has issued: one host also has one issued for the other."""
    return [*ISSUED, "shared"] if host.backend.host.name == ISSUER else ISSUED


@pytest.fixture
def on_disk(host):
    """One field of the certificate in a folder."""

    def on_disk(name, field):
        return host.check_output(f"openssl x509 -noout -{field} -in /etc/roost/tls/{name}/fullchain.pem").strip()

    return on_disk


def converge(host, *variables):
    """Run the scenario's playbook on this host. Returns its exit code and output."""
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    command = ["ansible-playbook", f"--inventory={inventory}", f"--limit={host.backend.host.name}"]
    command += [f"--extra-vars={variable}" for variable in variables]
    run = subprocess.run([*command, str(scenario / "converge.yml")], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def orders(host, authority):
    """How many certificates were asked for."""
    journal = f"journalctl --unit pebble@{authority} --output cat | grep --count 'POST /order-plz'"
    return int(host.run(journal).stdout)


@contextmanager
def broken_configuration(host):
    """nginx refuses its configuration meanwhile, for a reason that has nothing to do with certificates."""
    host.check_output("echo nonsense >/etc/nginx/conf.d/zz.conf")
    try:
        yield
    finally:
        host.check_output("rm /etc/nginx/conf.d/zz.conf")


@contextmanager
def no_failed_request(host, domain="atlas.test"):
    """Clients connect anew all the time, and each gets an answer."""
    curl = f"curl -sko /dev/null --resolve {domain}:443:127.0.0.1 https://{domain}/"
    loop = f"while [ ! -e /run/load.stop ]; do {curl} && echo || echo failed; sleep 0.05; done"
    host.check_output(f"rm -f /run/load.*; setsid sh -c '{loop}' >/run/load.log 2>&1 </dev/null & sleep 0.2")
    try:
        yield
    finally:
        host.check_output("touch /run/load.stop; sleep 1")
    lines = host.file("/run/load.log").content_string.splitlines()
    assert len(lines) > 10
    assert "failed" not in lines


@pytest.mark.parametrize("name", ISSUED)
def test_issued_certificate_is_in_use(host, served, name):
    assert host.file(f"/etc/roost/tls/{name}").linked_to == f"/etc/letsencrypt/live/{name}"
    assert "Pebble" in served(f"{name}.test", "issuer")


def test_certificate_is_for_all_domains(served):
    names = served("atlas.test", "ext subjectAltName")
    assert "DNS:atlas.test" in names
    assert "DNS:www.atlas.test" in names


def test_wildcard_is_issued_through_the_name_server(host, served):
    assert "DNS:*.cirrus.test" in served("any.cirrus.test", "ext subjectAltName")
    credentials = host.file("/etc/roost/acme-dns.ini")
    assert (credentials.user, credentials.mode) == ("root", 0o600)


def served_is(served, days):
    """Whether nginx serves the certificate that was bought for so many days."""
    file = Path(os.environ["ROOST_SANDBOX_DIR"]) / f"{days}.pem"
    command = ["openssl", "x509", "-noout", "-serial", "-in", str(file)]
    return served("bought.test", "serial") == subprocess.check_output(command, text=True).strip()


def test_certificate_that_was_bought_is_in_use(host, served):
    assert served_is(served, 10)
    key = host.file("/etc/roost/tls/bought/privkey.pem")
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)


def is_stapled(host):
    """Whether the word of the authority comes with the certificate that was bought: not yet with the first answers."""
    for _ in range(40):
        if "OCSP Response Status: successful" in host.check_output(ASKED):
            return True
        time.sleep(0.25)
    return False


def test_word_of_an_authority_that_gives_it_is_stapled(host):
    assert is_stapled(host)
    assert host.check_output("ls /run/roost-tls") == "bought.conf"
    assert "ssl_stapling" not in host.run("nginx -t").stderr


def test_nginx_does_without_a_responder_that_is_down(host):
    host.check_output("systemctl stop ocsp")
    try:
        with no_failed_request(host, "bought.test"):
            host.check_output("nginx -t && systemctl reload nginx && sleep 2")
            assert "no response sent" in host.check_output(ASKED)
    finally:
        host.check_output("systemctl start ocsp")


@pytest.mark.parametrize("name", ["astray", "nowhere"])
def test_failed_certificate_leaves_the_placeholder_in_use(host, served, name):
    assert host.file(f"/etc/roost/tls/{name}").linked_to.startswith(f"/var/lib/roost/tls/{name}-")
    assert served(f"{name}.test", "issuer").endswith("Roost placeholder")
    assert f"DNS:{name}.test" in served(f"{name}.test", "ext subjectAltName")


def test_two_runs_asked_once_for_what_failed_and_never_for_what_would_have(host, issued):
    assert orders(host, "production") == len([*issued, "astray"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("astray", "NIST CURVE: P-256"), ("atlas", "NIST CURVE: P-256"), ("borealis", "Private-Key: (3072 bit")],
)
def test_keys_are_private_and_of_their_kind(host, name, kind):
    key = host.file(host.check_output(f"realpath /etc/roost/tls/{name}/privkey.pem"))
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)
    assert kind in host.check_output(f"openssl pkey -noout -text -in {key.path}")


@pytest.mark.parametrize("name", ["certbot.timer", "roost-tls.timer"])
def test_renewal_is_automatic(host, name):
    assert host.service(name).is_enabled
    assert host.service(name).is_running


def test_nothing_is_renewed_before_a_third_of_its_life_is_left(host, served):
    third_of_20_days = 20 * 86400 // 3
    before = served("atlas.test", "serial")
    renewal = host.file("/etc/letsencrypt/renewal/atlas.conf").content_string
    assert f"renew_before_expiry = {third_of_20_days - 1} seconds" in renewal
    host.check_output("systemctl start certbot.service")
    assert served("atlas.test", "serial") == before


def test_prometheus_finds_when_each_certificate_ends(host, on_disk):
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_certificates.prom").content_string
    for name in ISSUED:
        end = host.check_output(f"date --date '{on_disk(name, 'enddate').partition('=')[2]}' +%s")
        assert f'roost_certificate_expiry_timestamp_seconds{{name="{name}"}} {end}' in metrics
        assert f'roost_certificate_outdated{{name="{name}"}} 0' in metrics
    assert 'roost_certificate_self_signed{name="astray"} 1' in metrics


def test_links_are_put_back_when_the_web_server_refuses(host, served):
    with broken_configuration(host):
        code, output = converge(host, "borealis_kind=selfsigned", "certbot_retry_minutes=0")
    assert code == 2, output
    assert "the web server refused" in output
    assert "unexpected end of file" in output
    assert host.file("/etc/roost/tls/borealis").linked_to == "/etc/letsencrypt/live/borealis"
    assert "Pebble" in served("borealis.test", "issuer")


def test_back_to_selfsigned_and_another_address_of_the_account(host, served):
    code, output = converge(host, "borealis_kind=selfsigned", "certbot_email=new@atlas.test", "certbot_retry_minutes=0")
    assert code == 0, output
    assert served("borealis.test", "issuer").endswith("Roost placeholder")
    assert not host.file("/etc/letsencrypt/renewal/borealis.conf").exists
    account = f"certbot show_account --server https://{PRODUCTION}:14000/dir"
    assert "new@atlas.test" in host.check_output(f"REQUESTS_CA_BUNDLE=/etc/roost/acme-ca.pem {account} 2>&1")


def test_another_authority_is_not_asked_for_what_failed_three_times_in_an_hour(host, issued, served, on_disk):
    code, output = converge(host, f"authority={STAGING}", "bought=20", "certbot_retry_minutes=0")
    assert code == 0, output
    assert served_is(served, 20)
    assert host.check_output("ls /run/roost-tls") == ""
    assert orders(host, "production") == len([*issued, "astray"]) + 2
    assert orders(host, "staging") == len(issued)
    end, begin = (
        int(host.check_output(f"date --date '{on_disk('atlas', field).partition('=')[2]}' +%s"))
        for field in ("enddate", "startdate")
    )
    assert end - begin < 60


def test_renewal_with_the_authority_away_and_back(host, served, on_disk):
    """The certificates live a minute, so after half of it the timer's service must renew them."""
    before = served("atlas.test", "serial")
    time.sleep(30)
    with no_failed_request(host):
        host.check_output(f"ip route add unreachable {STAGING}/32 table local")
        try:
            assert host.run("systemctl start certbot.service").rc != 0
            assert served("atlas.test", "serial") == before
        finally:
            host.check_output(f"ip route del unreachable {STAGING}/32 table local")
        host.check_output("systemctl start certbot.service")
        for name in ISSUED:
            assert served(f"{name}.test", "serial") == on_disk(name, "serial")
    assert served("atlas.test", "serial") != before


def test_renewed_certificate_is_loaded_as_soon_as_nginx_accepts_its_configuration(host, served, on_disk):
    with no_failed_request(host):
        with broken_configuration(host):
            renewal = "certbot renew --no-random-sleep-on-renew --force-renewal --cert-name atlas"
            host.run(f"REQUESTS_CA_BUNDLE=/etc/roost/acme-ca.pem {renewal}")
            assert served("atlas.test", "serial") != on_disk("atlas", "serial")
            assert host.run("systemctl start roost-tls.service").rc != 0
        host.check_output("systemctl start roost-tls.service")
        assert served("atlas.test", "serial") == on_disk("atlas", "serial")


def test_from_staging_to_production_with_a_new_account(host, issued, served):
    host.check_output(f"rm -r /etc/letsencrypt/accounts/{PRODUCTION}:14000")
    code, output = converge(host)
    assert code == 0, output
    for name in ISSUED:
        assert f"server = https://{PRODUCTION}:" in host.file(f"/etc/letsencrypt/renewal/{name}.conf").content_string
        assert "Pebble" in served(f"{name}.test", "issuer")
    assert orders(host, "production") == len([*issued, "astray"]) + 2 + len(issued)


def test_one_host_has_a_shared_certificate_issued_and_the_other_follows_it(host, served):
    """The challenge reached the issuer through the other host; since then it has changed authorities twice."""
    source = host.file("/etc/roost/tls/shared").linked_to
    if host.backend.host.name == ISSUER:
        assert source == "/etc/letsencrypt/live/shared"
        return
    assert source.startswith("/var/lib/roost/tls-received/shared-")
    key = host.file(host.check_output("realpath /etc/roost/tls/shared/privkey.pem"))
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)
    issuer = get_host(f"ssh://{ISSUER}", ssh_config=f"{os.environ['ROOST_SANDBOX_DIR']}/ssh_config")
    command = "openssl x509 -noout -serial -in /etc/letsencrypt/live/shared/fullchain.pem"
    for _ in range(30):
        host.check_output("systemctl start roost-tls.service")
        if served("shared.test", "serial") == issuer.check_output(command).strip():
            return
        time.sleep(2)
    pytest.fail("nginx doesn't serve what the issuer has")


def test_encrypted_certificates_are_for_the_other_hosts_only(host):
    status = "curl -so /dev/null -w '%{http_code}' http://localhost/.well-known/roost-tls/shared"
    assert host.check_output(f"{status} || true") == ("403" if host.backend.host.name == ISSUER else "000")
