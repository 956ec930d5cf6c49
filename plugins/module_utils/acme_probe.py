"""Does a domain lead to this host's web server? Asked before a certificate authority is, which counts failures."""

from __future__ import annotations

import errno
import http.client
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHALLENGES = ".well-known/acme-challenge"
_TIMEOUT_SECONDS = 10
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_HAIRPIN = "If only this host can't reach itself at its public address, set certbot_preflight to false."


def obstacle(domains: tuple[str, ...], webroot: Path, port: int = 80) -> str | None:
    """Why a challenge would fail, in one line with what to do about it, or None."""
    with _probe_file(webroot) as token:
        return next(filter(None, (_obstacle(domain, port, token) for domain in domains)), None)


def unresolved(domains: tuple[str, ...]) -> str | None:
    """Which domain isn't in the DNS, in one line, or None: what can be found out without writing a file."""
    return next(filter(None, (_resolve(domain, 80)[1] for domain in domains)), None)


@contextmanager
def _probe_file(webroot: Path) -> Iterator[str]:
    """A file among the challenges whose name and content is the token that is yielded."""
    token = f"roost-{secrets.token_hex(16)}"
    file = webroot / _CHALLENGES / token
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.write_text(token)
        file.chmod(0o644)
        yield token
    finally:
        file.unlink(missing_ok=True)


def _resolve(domain: str, port: int) -> tuple[list[str], str | None]:
    """The addresses of a domain, and why there are none."""
    try:
        found = socket.getaddrinfo(domain, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return [], f"{domain}: the name can't be resolved ({error.strerror}). Add an A or AAAA record for it."
    return list(dict.fromkeys(str(entry[4][0]) for entry in found)), None


def _obstacle(domain: str, port: int, token: str) -> str | None:
    addresses, missing = _resolve(domain, port)
    return missing or next(filter(None, (_obstacle_at(domain, address, port, token) for address in addresses)), None)


def _obstacle_at(domain: str, address: str, port: int, token: str) -> str | None:
    """Why the authority would not find the challenge at one address of the domain."""
    connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"/{_CHALLENGES}/{token}", headers={"Host": domain})
        answer = connection.getresponse()
        status, body = answer.status, answer.read(len(token) + 1)
    except OSError as error:
        if error.errno in _NO_ROUTE:
            return None
        reason = error.strerror or str(error)
        return (
            f"{domain}: port {port} of {address} doesn't answer ({reason}). Point {domain} to this host, and let "
            f"port {port} of it be reached from the internet. {_HAIRPIN}"
        )
    except http.client.HTTPException as error:
        status, body = 0, repr(error).encode()
    finally:
        connection.close()
    # The authority follows redirects wherever they lead, so they say nothing.
    if body == token.encode() or status in (301, 302, 303, 307, 308):
        return None
    return f"{domain}: another server answers at {address} (status {status}). Point {domain} to this host."
