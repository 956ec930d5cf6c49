"""Visits the site as its visitors do: through the web server, with TLS and the real domain."""

from __future__ import annotations

import http.client
import socket
import ssl

from ansible.module_utils.roost_app.errors import ReleaseError

TIMEOUT_SECONDS = 15


class _SiteConnection(http.client.HTTPSConnection):
    """A connection to a site at an address of its own; the certificate may still be a placeholder."""

    def __init__(self, address: str, domain: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(domain, timeout=TIMEOUT_SECONDS, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def visit(address: str, domain: str, path: str) -> None:
    """Ask for a path; raise ReleaseError unless the answer is 2xx or 3xx."""
    connection = _SiteConnection(address, domain)
    try:
        connection.request("GET", path, headers={"User-Agent": "roost-smoke"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        raise ReleaseError(f"smoke test: https://{domain}{path} does not answer: {problem}") from None
    finally:
        connection.close()
    if not 200 <= status < 400:
        raise ReleaseError(f"smoke test: https://{domain}{path} answers with status {status}")
