"""Certificates that the user brings, made here by an authority of two levels."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from roost import secrets
from roost.environment import load_environment
from roost.errors import InvalidDeclaration, MissingSecrets, UsageError
from roost.own_certificate import certificate_problems, key_problem
from tests.unit.environments import GOOD_STACK, write_environment

NOW = datetime(2027, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
AUTHORITY = ec.generate_private_key(ec.SECP256R1())
DOMAINS = ["atlas.test", "*.atlas.test"]


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(name: str, key: ec.EllipticCurvePrivateKey, domains: list[str], now: datetime = NOW) -> str:
    """A certificate of the authority, which is valid for a day around `now`."""
    builder = x509.CertificateBuilder(named("authority"), named(name), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=12)).not_valid_after(now + timedelta(hours=12))
    if domains:
        names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(AUTHORITY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


ROOT = certificate("authority", AUTHORITY, [])
LEAF = certificate("atlas.test", KEY, DOMAINS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "atlas.pem"
    path.write_text(LEAF + ROOT)
    return path


def test_a_chain_for_the_domains_is_in_order(file: Path) -> None:
    assert list(certificate_problems(file, ["atlas.test", "www.atlas.test", "*.atlas.test"], NOW)) == []


@pytest.mark.parametrize(
    ("content", "domains", "now", "problem"),
    [
        ("nonsense", DOMAINS, NOW, "is not a certificate in PEM form"),
        (LEAF, DOMAINS, NOW + timedelta(days=1), "ended on 2027-01-01."),
        (LEAF, DOMAINS, NOW - timedelta(days=1), "only begins on 2026-12-31 12:00 UTC."),
        (LEAF, ["a.b.atlas.test", "borea.test"], NOW, "is not for a.b.atlas.test, borea.test, but for atlas.test, *"),
        (ROOT, ["atlas.test"], NOW, "is not for atlas.test, but for no domain at all."),
        (certificate("x", KEY, ["x.test"]), ["*.x.test"], NOW, "is not for *.x.test, but for x.test."),
        (LEAF + LEAF, DOMAINS, NOW, "must hold your certificate first, then the one that issued it"),
    ],
)
def test_what_is_wrong_is_told(file: Path, content: str, domains: list[str], now: datetime, problem: str) -> None:
    file.write_text(content)
    (told,) = certificate_problems(file, domains, now)
    assert told.startswith(f"{file} {problem}")


def test_the_key_must_fit(file: Path) -> None:
    assert key_problem(file, text(KEY).encode()) is None
    assert key_problem(file, text(AUTHORITY).encode()) == f"is not the key of {file}"
    assert key_problem(file, b"nonsense") == "is not a private key in PEM form without a passphrase"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An environment whose application brings a certificate that is valid today."""
    own = "      certificate: {file: atlas.pem}\n"
    folder = write_environment(tmp_path / "project", stack=GOOD_STACK + own)
    (tmp_path / "project" / "atlas.pem").write_text(certificate("x", KEY, ["atlas.test"], datetime.now(UTC)))
    return folder


def test_the_key_is_a_secret_that_is_compared_before_anything_is_touched(inventory: Path) -> None:
    vault, environment = VaultLib([("default", VaultSecret(b"a password"))]), load_environment(inventory)
    name = environment.apps[0].name
    with pytest.raises(MissingSecrets, match=rf"^{name}\.certificate_key is declared but not set"):
        secrets.ensure_secrets(environment, vault)
    with pytest.raises(UsageError, match=r"^This is not the key of "):
        secrets.set_secret(environment, vault, name, "certificate_key", text(AUTHORITY))
    secrets.set_secret(environment, vault, name, "certificate_key", text(KEY))
    secrets.ensure_secrets(environment, vault)
    (inventory.parents[1] / "atlas.pem").write_text(certificate("x", AUTHORITY, ["atlas.test"], datetime.now(UTC)))
    with pytest.raises(UsageError, match=r"^This is not the key of "):
        secrets.ensure_secrets(environment, vault)


@pytest.mark.parametrize(
    ("place", "content", "problem"),
    [
        ("project/atlas.key", text(KEY), "must not lie in the project"),
        ("elsewhere/none.key", "", "There is no file"),
        ("elsewhere/atlas.key", text(AUTHORITY), "is not the key of"),
        ("elsewhere/atlas.key", text(KEY), ""),
    ],
)
def test_a_key_file_lies_outside_and_fits(
    inventory: Path, tmp_path: Path, place: str, content: str, problem: str
) -> None:
    key = tmp_path / place
    key.parent.mkdir(exist_ok=True)
    if content:
        key.write_text(content)
    stack = inventory / "group_vars/all/stack.yml"
    stack.write_text(stack.read_text().replace("{file: atlas.pem}", f"{{file: atlas.pem, key_file: {key}}}"))
    if not problem:
        assert load_environment(inventory).apps[0].tls == "own"
        return
    with pytest.raises(InvalidDeclaration) as refused:
        load_environment(inventory)
    (told,) = refused.value.problems
    assert told.key == "stack.apps[0].certificate.key_file"
    assert problem in told.message
