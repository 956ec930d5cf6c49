"""What to ask of certbot, and what it answered. Pure: reads no file, runs no command."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

BUSY = "Another instance of Certbot is already running"

ATTEMPTS = 3
ATTEMPTS_SECONDS = 3600
"""So many attempts for a certificate may fail in so many seconds; one more may fail when certbot's timer renews."""

_PROBLEM = re.compile(r"^ *Domain: *(\S+)\n *Type: *(\S+)\n *Detail: *(.+(?:\n {4,}\S.*)*)", re.MULTILINE)
_UNEXPECTED = re.compile(r"An unexpected error occurred:\n(.+)")
_NOISE = re.compile(r"^(Ask for help|See the logfile|Saving debug log|Some challenges have failed|Hint:)")

_ADVICE = {
    "dns": "Add an A or AAAA record that points {domain} to this host.",
    "connection": "Point {domain} to this host, and let port 80 of it be reached from the internet.",
    "unauthorized": "Point {domain} to this host: another server answered for it.",
    "caa": "Allow this certificate authority in the CAA record of {domain}.",
}
_RATE_LIMIT_ADVICE = "This is a rate limit of the certificate authority: wait until the time that it names."
_OTHER_ADVICE = "Read /var/log/letsencrypt/letsencrypt.log on the host."


WEBROOT = "webroot"
"""certbot's name of the challenge that a web server answers; those of the DNS are called dns-..."""

_KEYS = {"ecdsa": ["--elliptic-curve", "secp256r1"], "rsa": ["--rsa-key-size", "3072"]}


@dataclass(frozen=True)
class Request:
    """A certificate as it is declared. `authenticator` is certbot's name of the kind of challenge."""

    name: str
    domains: tuple[str, ...]
    server: str
    key_type: str = "ecdsa"
    authenticator: str = WEBROOT


@dataclass(frozen=True)
class Lineage:
    """A certificate as certbot keeps it. `expires` is in seconds since the epoch."""

    domains: frozenset[str]
    server: str
    key_type: str
    authenticator: str
    account: str
    expires: float


@dataclass(frozen=True)
class Challenges:
    """What certbot needs to answer challenges: a folder of the web server, or access to the DNS."""

    webroot: str
    dns_credentials: str
    dns_seconds: int

    def arguments(self, authenticator: str) -> list[str]:
        """The arguments that make certbot answer challenges of this kind."""
        if authenticator == WEBROOT:
            return ["--webroot", "--webroot-path", self.webroot]
        return [
            *("--authenticator", authenticator, f"--{authenticator}-credentials", self.dns_credentials),
            *(f"--{authenticator}-propagation-seconds", str(self.dns_seconds)),
        ]


@dataclass(frozen=True)
class Failure:
    """An attempt that failed at `at` (seconds since the epoch), and why, in one line."""

    request: Request
    at: float
    reason: str


def read_lineage(openssl_text: str, renewal_text: str) -> Lineage:
    """Read `openssl x509 -noout -enddate -ext subjectAltName` and certbot's renewal file.

    Raises ValueError when the certificate has no end date.
    """
    end = re.search(r"^notAfter=(.+)$", openssl_text, re.MULTILINE)
    if end is None:
        raise ValueError(f"openssl named no end date: {openssl_text!r}")
    used = dict(re.findall(r"^(\w+) *= *(\S+)", renewal_text, re.MULTILINE))
    return Lineage(
        domains=frozenset(re.findall(r"DNS:([^\s,]+)", openssl_text)),
        server=used.get("server", ""),
        key_type=used.get("key_type", ""),
        authenticator=used.get("authenticator", ""),
        account=used.get("account", ""),
        expires=float(ssl.cert_time_to_seconds(end.group(1))),
    )


def due_reason(request: Request, lineage: Lineage | None, accounts: Collection[str], now: float) -> str | None:
    """Why the certificate must be issued, or None when it is as declared. `accounts` are those that certbot has."""
    if lineage is None:
        return "missing"
    reasons = {
        "other domains": lineage.domains != frozenset(request.domains),
        "other certificate authority": lineage.server != request.server,
        "other kind of key": lineage.key_type != request.key_type,
        "other kind of challenge": lineage.authenticator != request.authenticator,
        "account is gone": lineage.account not in accounts,
        "expired": lineage.expires <= now,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def certbot_command(request: Request, email: str, challenges: Challenges) -> list[str]:
    """The command that issues the certificate, whatever certbot has of that name."""
    domains = [argument for domain in request.domains for argument in ("--domain", domain)]
    return [
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *_contact(email)),
        *("--server", request.server, *challenges.arguments(request.authenticator)),
        *("--key-type", request.key_type, *_KEYS[request.key_type]),
        *("--force-renewal", "--renew-with-new-domains", "--cert-name", request.name, *domains),
    ]


def account_command(server: str, email: str) -> list[str]:
    """The command that tells the authority the address of an account that exists."""
    return ["certbot", "update_account", "--non-interactive", "--agree-tos", "--server", server, *_contact(email)]


def failure_reason(output: str) -> str:
    """What certbot's output says went wrong and what to do about it, in one line."""
    problem = _PROBLEM.search(output)
    if problem:
        domain, kind, detail = problem.groups()
        advice = _ADVICE.get(kind.rsplit(":", 1)[-1], _OTHER_ADVICE).format(domain=domain)
        return f"{domain}: {_sentence(detail)} {advice}"
    unexpected = _UNEXPECTED.search(output)
    lines = [line for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    text = unexpected.group(1) if unexpected else (lines or ["certbot said nothing"])[-1]
    advice = _RATE_LIMIT_ADVICE if re.search(r"rate ?limit|too many", text, re.IGNORECASE) else _OTHER_ADVICE
    return f"{_sentence(text)} {advice}"


def retry_at(
    failure: Failure | None, request: Request, failed_at: Sequence[float], wait_seconds: float, now: float
) -> float | None:
    """When the request may be sent again, or None when it may be sent now.

    A request that was changed since it failed is a new one and needn't wait, but counts. `failed_at` are the times
    of all attempts for this certificate that failed.
    """
    again = failure.at + wait_seconds if failure and failure.request == request and failure.at <= now else now
    recent = sorted(at for at in failed_at if now - ATTEMPTS_SECONDS < at <= now)
    if len(recent) >= ATTEMPTS:
        again = max(again, recent[-ATTEMPTS] + ATTEMPTS_SECONDS)
    return again if again > now else None


def report(failure: Failure, again_at: float | None) -> str:
    """One line for the operator: which certificate, why, and when the next attempt is made."""
    when = time.strftime(" after %H:%M UTC", time.gmtime(again_at)) if again_at else ""
    return f"{failure.request.name}: {failure.reason} A run{when} tries again."


def _contact(email: str) -> list[str]:
    return ["--email", email, "--no-eff-email"] if email else ["--register-unsafely-without-email"]


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
