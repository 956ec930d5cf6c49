"""Keys by which the servers log in elsewhere over ssh: to a git server, and to the host that keeps the backups."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roost.errors import UsageError

PRIVATE_KEY = "a private key of OpenSSH's without a passphrase"
"""What can be such a key; completes "must be ..."."""


def new_key() -> str:
    """Return a new private key."""
    key = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_half(private_key: str) -> str:
    """Return the public half as the other side wants it, on one line. Raises UsageError if that is no usable key."""
    try:
        key = serialization.load_ssh_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(
            f"The key must be {PRIVATE_KEY}.",
            hint="Make one with: ssh-keygen -t ed25519 -N '' -f key   (or let Roost make one)",
        ) from None
    form = serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()


def is_private_key(text: str) -> bool:
    """Tell whether this is a usable key."""
    try:
        public_half(text)
    except UsageError:
        return False
    return True
