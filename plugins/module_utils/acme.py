"""What to ask of certbot, and what it answered. Pure: reads no file, runs no command."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass

BUSY = "Another instance of Certbot is already running"

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


@dataclass(frozen=True)
class Request:
    """A certificate as it is declared."""

    name: str
    domains: tuple[str, ...]
    server: str


@dataclass(frozen=True)
class Lineage:
    """A certificate as certbot keeps it. `expires` is in seconds since the epoch."""

    domains: frozenset[str]
    server: str
    expires: float


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
    server = re.search(r"^server *= *(\S+)", renewal_text, re.MULTILINE)
    return Lineage(
        domains=frozenset(re.findall(r"DNS:([^\s,]+)", openssl_text)),
        server=server.group(1) if server else "",
        expires=float(ssl.cert_time_to_seconds(end.group(1))),
    )


def due_reason(request: Request, lineage: Lineage | None, now: float) -> str | None:
    """Why the certificate must be issued, or None when it is as declared."""
    if lineage is None:
        return "missing"
    if lineage.domains != frozenset(request.domains):
        return "other domains"
    if lineage.server != request.server:
        return "other certificate authority"
    if lineage.expires <= now:
        return "expired"
    return None


def certbot_command(request: Request, email: str, webroot: str) -> list[str]:
    """The command that issues the certificate, whatever certbot has of that name."""
    account = ["--email", email, "--no-eff-email"] if email else ["--register-unsafely-without-email"]
    domains = [argument for domain in request.domains for argument in ("--domain", domain)]
    return [
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *account),
        *("--server", request.server, "--webroot", "--webroot-path", webroot),
        *("--key-type", "ecdsa", "--elliptic-curve", "secp256r1"),
        *("--force-renewal", "--renew-with-new-domains", "--cert-name", request.name, *domains),
    ]


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


def retry_at(failure: Failure | None, request: Request, wait_seconds: float, now: float) -> float | None:
    """When the failed request may be sent again, or None when it may be sent now.

    A request that was changed since is a new one: it needn't wait.
    """
    if failure is None or failure.request != request:
        return None
    again = failure.at + wait_seconds
    return again if failure.at <= now < again else None


def report(failure: Failure, again_at: float) -> str:
    """One line for the operator: which certificate, why, and when the next attempt is made."""
    again = time.strftime("%H:%M UTC", time.gmtime(again_at))
    return f"{failure.request.name}: {failure.reason} A run after {again} tries again."


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
