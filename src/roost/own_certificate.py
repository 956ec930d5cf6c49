"""Certificates that the user brings: is the file one, for these domains, still valid, and does the key fit?"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from roost.errors import UsageError

CERTIFICATE_KEY = "certificate_key"
"""The name of its key among an application's secrets."""


def certificate_problems(file: Path, domains: Iterable[str], now: datetime | None = None) -> Iterator[str]:
    """What is wrong with a certificate file for these domains, a sentence each."""
    try:
        chain = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        yield f"{file} can't be read: {error.strerror}."
        return
    except ValueError:
        yield f"{file} is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)."
        return
    now = now or datetime.now(UTC)
    first = chain[0]
    if first.not_valid_after_utc <= now:
        yield f"{file} ended on {first.not_valid_after_utc:%Y-%m-%d}."
    if first.not_valid_before_utc > now:
        yield f"{file} only begins on {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC."
    covered = _names(first)
    missing = [domain for domain in domains if not _is_covered(domain, covered)]
    if missing:
        yield f"{file} is not for {', '.join(missing)}, but for {', '.join(covered) or 'no domain at all'}."
    for below, above in pairwise(chain):
        if not _is_issued_by(below, above):
            yield f"{file} must hold your certificate first, then the one that issued it, and so on."
            return


def key_problem(file: Path, key: bytes) -> str | None:
    """Why a private key isn't the one of a certificate file, or None."""
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "is not a private key in PEM form without a passphrase"
    first = x509.load_pem_x509_certificates(file.read_bytes())[0]
    return None if _public(private) == _spki(first) else f"is not the key of {file}"


def checked_key(file: Path, key: str) -> str:
    """The private key as it is kept. Raises UsageError if it isn't the one of the certificate file."""
    try:
        problem = key_problem(file, key.encode())
    except (OSError, ValueError):
        problem = f"can't be compared with {file}, which is no certificate"
    if problem:
        raise UsageError(f"This {problem}.", hint=f"roost secrets set APP {CERTIFICATE_KEY} <private.key")
    return f"{key.strip()}\n"


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def _is_covered(domain: str, names: list[str]) -> bool:
    """A wildcard stands for one label."""
    return domain in names or (not domain.startswith("*") and f"*.{domain.partition('.')[2]}" in names)


def _is_issued_by(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
