"""certbot: what is asked of it, and how its answers are read."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
sys.path.insert(0, str(PLUGINS / "module_utils"))

from acme import (  # noqa: E402  (the path above comes first)
    Challenges,
    Failure,
    Lineage,
    Request,
    account_command,
    certbot_command,
    due_reason,
    failure_reason,
    read_lineage,
    report,
    retry_at,
)

NOW = 1_800_000_000.0
SERVER = "https://ca.test/dir"
REQUEST = Request("atlas", ("atlas.test", "www.atlas.test"), SERVER)
LINEAGE = Lineage(frozenset(REQUEST.domains), SERVER, "ecdsa", "webroot", "acc1", NOW + 60)
CHALLENGES = Challenges("/var/www/acme", "/etc/roost/acme-dns.ini", 60)
FAILURE = Failure(REQUEST, NOW, "atlas.test: no such host.")

DNS_FAILURE = """Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for bad.test

Certbot failed to authenticate some domains (authenticator: webroot). \
The Certificate Authority reported these problems:
  Domain: bad.test
  Type:   dns
  Detail: DNS problem: NXDOMAIN looking up A for bad.test - check that
          a DNS record exists for this domain

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile for more details.
"""

RATE_LIMIT = """Saving debug log to /var/log/letsencrypt/letsencrypt.log
An unexpected error occurred:
There were too many requests of a given type :: too many failed authorizations (5) for "a.test"
Ask for help or search for solutions at https://community.letsencrypt.org.
"""


@pytest.mark.parametrize(
    ("lineage", "reason"),
    [
        (LINEAGE, None),
        (None, "missing"),
        (replace(LINEAGE, domains=frozenset({"atlas.test"})), "other domains"),
        (replace(LINEAGE, server="https://staging.test/dir"), "other certificate authority"),
        (replace(LINEAGE, key_type="rsa"), "other kind of key"),
        (replace(LINEAGE, authenticator="dns-rfc2136"), "other kind of challenge"),
        (replace(LINEAGE, account="acc0"), "account is gone"),
        (replace(LINEAGE, expires=NOW), "expired"),
    ],
)
def test_due(lineage: Lineage | None, reason: str | None) -> None:
    assert due_reason(REQUEST, lineage, {"acc1", "acc2"}, NOW) == reason


def test_lineage_is_read_from_openssl_and_the_renewal_file() -> None:
    text = (
        "notAfter=Jan 15 08:00:00 2027 GMT\nX509v3 Subject Alternative Name: \n    DNS:www.atlas.test, DNS:atlas.test\n"
    )
    lineage = read_lineage(
        text,
        "# renew_before_expiry = 30 days\nversion = 2.1.0\n[renewalparams]\naccount = acc1\n"
        f"authenticator = webroot\nserver = {SERVER}\nkey_type = ecdsa\nwebroot_path = /var/www/acme,\n",
    )
    assert lineage == replace(LINEAGE, expires=NOW)


def test_lineage_without_an_end_date_is_refused() -> None:
    with pytest.raises(ValueError, match="no end date"):
        read_lineage("X509v3 Subject Alternative Name: \n    DNS:atlas.test\n", "")


def test_command_names_every_domain_and_the_authority() -> None:
    command = certbot_command(REQUEST, "ops@atlas.test", CHALLENGES)
    assert command[command.index("--server") + 1] == SERVER
    assert [command[i + 1] for i, word in enumerate(command) if word == "--domain"] == list(REQUEST.domains)
    assert command[command.index("--email") + 1] == "ops@atlas.test"


def test_command_without_an_address() -> None:
    for command in (certbot_command(REQUEST, "", CHALLENGES), account_command(SERVER, "")):
        assert "--register-unsafely-without-email" in command
        assert "--email" not in command


def test_command_for_a_kind_of_key_and_of_challenge() -> None:
    text = " ".join(certbot_command(replace(REQUEST, key_type="rsa", authenticator="dns-ovh"), "", CHALLENGES))
    assert "--key-type rsa --rsa-key-size 3072" in text
    assert "--authenticator dns-ovh --dns-ovh-credentials /etc/roost/acme-dns.ini" in text
    assert "--dns-ovh-propagation-seconds 60" in text
    assert "webroot" not in text


def test_reason_names_the_domain_what_went_wrong_and_what_to_do() -> None:
    assert failure_reason(DNS_FAILURE) == (
        "bad.test: DNS problem: NXDOMAIN looking up A for bad.test - "
        "check that a DNS record exists for this domain. "
        "Add an A or AAAA record that points bad.test to this host."
    )


def test_reason_of_a_rate_limit() -> None:
    reason = failure_reason(RATE_LIMIT)
    assert reason.startswith("There were too many requests of a given type :: too many failed authorizations (5)")
    assert "rate limit of the certificate authority" in reason


@pytest.mark.parametrize(
    ("output", "start"),
    [
        ("", "certbot said nothing."),
        ("Traceback:\nValueError: odd\nAsk for help or search", "ValueError: odd."),
        ("An unexpected error occurred:\nConnection refused\nAsk for help", "Connection refused."),
    ],
)
def test_reason_of_anything_else_is_one_line_and_names_the_log(output: str, start: str) -> None:
    reason = failure_reason(output)
    assert reason.startswith(start)
    assert reason.endswith("letsencrypt.log on the host.")
    assert "\n" not in reason


def test_a_failed_request_waits() -> None:
    assert retry_at(FAILURE, REQUEST, [NOW], 3600, NOW + 3599) == NOW + 3600
    assert retry_at(FAILURE, REQUEST, [NOW], 3600, NOW + 3600) is None
    assert retry_at(FAILURE, REQUEST, [NOW], 0, NOW) is None


def test_a_changed_request_does_not_wait() -> None:
    changed = replace(REQUEST, domains=("atlas.test",))
    assert retry_at(FAILURE, changed, [NOW], 3600, NOW + 1) is None


def test_a_failure_from_the_future_does_not_wait() -> None:
    assert retry_at(FAILURE, REQUEST, [NOW], 3600, NOW - 1) is None


def test_three_attempts_may_fail_in_an_hour_whatever_was_changed() -> None:
    failed_at = [NOW - 3000, NOW - 2000, NOW - 1000]
    assert retry_at(FAILURE, REQUEST, failed_at[:2], 0, NOW) is None
    assert retry_at(FAILURE, REQUEST, failed_at, 0, NOW) == NOW + 600
    assert retry_at(None, REQUEST, failed_at, 0, NOW + 599) == NOW + 600
    assert retry_at(None, REQUEST, failed_at, 0, NOW + 600) is None


def test_report_says_when_the_next_attempt_is_made() -> None:
    assert report(FAILURE, NOW + 3600) == "atlas: atlas.test: no such host. A run after 09:00 UTC tries again."
    assert report(FAILURE, None) == "atlas: atlas.test: no such host. A run tries again."
