"""Certificates as clients of the sites meet them, with a real certificate authority."""

import os
import subprocess
from pathlib import Path

import pytest

SERVED = "openssl s_client -connect localhost:443 -servername {} </dev/null 2>/dev/null | openssl x509 -noout -{}"


@pytest.fixture
def served(host):
    """One field of the certificate that nginx serves for a domain."""

    def served(domain, field):
        return host.check_output(SERVED.format(domain, field)).strip()

    return served


@pytest.mark.parametrize("name", ["atlas", "borealis"])
def test_issued_certificate_is_in_use(host, served, name):
    assert host.file(f"/etc/roost/tls/{name}").linked_to == f"/etc/letsencrypt/live/{name}"
    assert "Pebble" in served(f"{name}.test", "issuer")


def test_certificate_is_for_all_domains(served):
    names = served("atlas.test", "ext subjectAltName")
    assert "DNS:atlas.test" in names
    assert "DNS:www.atlas.test" in names


def test_failed_certificate_leaves_the_placeholder_in_use(host, served):
    assert host.file("/etc/roost/tls/astray").linked_to.startswith("/var/lib/roost/tls/astray-")
    assert served("astray.test", "issuer").endswith("Roost placeholder")
    assert "DNS:astray.test" in served("astray.test", "ext subjectAltName")


def test_failed_request_was_sent_once_in_two_runs(host):
    orders = host.check_output("journalctl --unit pebble --output cat | grep --count 'POST /order-plz'")
    assert int(orders) == 3


@pytest.mark.parametrize("name", ["astray", "atlas", "borealis"])
def test_keys_are_private_and_elliptic(host, name):
    key = host.file(host.check_output(f"realpath /etc/roost/tls/{name}/privkey.pem"))
    assert (key.user, key.group, key.mode) == ("root", "root", 0o600)
    assert "NIST CURVE: P-256" in host.check_output(f"openssl pkey -noout -text -in {key.path}")


def test_renewal_is_automatic(host):
    assert host.service("certbot.timer").is_enabled
    assert host.service("certbot.timer").is_running
    environment = host.check_output("systemctl show --property Environment certbot.service")
    assert "REQUESTS_CA_BUNDLE=/etc/pebble.pem" in environment


def test_renewed_certificate_is_loaded(host, served):
    before = served("atlas.test", "serial")
    host.check_output("REQUESTS_CA_BUNDLE=/etc/pebble.pem certbot renew --no-random-sleep-on-renew")
    renewed = host.check_output("openssl x509 -noout -serial -in /etc/letsencrypt/live/atlas/cert.pem").strip()
    assert served("atlas.test", "serial") == renewed != before


def converge(host, *arguments):
    """Run the scenario's playbook on this host. Returns its exit code and output."""
    scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    inventory = Path(os.environ["ROOST_SANDBOX_DIR"]) / "inventory"
    limit = f"--limit={host.backend.host.name}"
    command = ["ansible-playbook", f"--inventory={inventory}", limit, *arguments, str(scenario / "converge.yml")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_links_are_put_back_when_the_web_server_refuses(host, served):
    host.check_output("echo nonsense >/etc/nginx/conf.d/zz.conf")
    try:
        code, output = converge(host, "--extra-vars=borealis_kind=selfsigned")
        assert code == 2, output
        assert "the web server refused" in output
        assert "unexpected end of file" in output
    finally:
        host.check_output("rm /etc/nginx/conf.d/zz.conf")
    assert host.file("/etc/roost/tls/borealis").linked_to == "/etc/letsencrypt/live/borealis"
    assert "Pebble" in served("borealis.test", "issuer")


def test_back_to_selfsigned_and_to_issued_again(host, served):
    code, output = converge(host, "--extra-vars=borealis_kind=selfsigned")
    assert code == 0, output
    assert served("borealis.test", "issuer").endswith("Roost placeholder")
    assert not host.file("/etc/letsencrypt/renewal/borealis.conf").exists
    code, output = converge(host)
    assert code == 0, output
    assert "Pebble" in served("borealis.test", "issuer")
