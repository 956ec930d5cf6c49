"""Certificate authorities that this machine trusts and a plain Debian does not."""

import re
import ssl
from pathlib import Path

_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_FROM_PACKAGE = Path("/usr/share/ca-certificates")
_ADDED_BY_HAND = Path("/usr/local/share/ca-certificates")

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def certificates_in(text: str) -> dict[bytes, str]:
    """Return the certificates of a PEM text by their DER form, so that formatting makes no difference."""
    return {ssl.PEM_cert_to_DER_cert(pem): pem + "\n" for pem in _CERTIFICATE.findall(text)}


def private_authorities() -> list[str]:
    """Return the PEM texts of this machine's own authorities, in a stable order."""
    trusted: dict[bytes, str] = {}
    for path in [_BUNDLE, *_ADDED_BY_HAND.rglob("*.crt")]:
        if path.is_file():
            trusted |= certificates_in(path.read_text())
    for path in _FROM_PACKAGE.rglob("*.crt"):
        for known in certificates_in(path.read_text()):
            trusted.pop(known, None)
    return [trusted[der] for der in sorted(trusted)]
