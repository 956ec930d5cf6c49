"""Deploy keys: the ssh key with which the servers read an application's private repository."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from roost.errors import UsageError

DEPLOY_KEY = "deploy_key"
"""Its name among an application's secrets."""


def new_key() -> str:
    """Return a new private key."""
    key = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_half(private_key: str) -> str:
    """Return the public half as a git server wants it, on one line. Raises UsageError if that is no usable key."""
    try:
        key = serialization.load_ssh_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(
            "A deploy key is a private key of OpenSSH's without a passphrase.",
            hint="Make one with: ssh-keygen -t ed25519 -N '' -f deploy_key   (or let Roost make one: roost deploy-key)",
        ) from None
    form = serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()
