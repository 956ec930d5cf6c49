"""The secrets of backups: which there are, and what each may be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from roost.errors import UsageError
from roost.model import Stack
from roost.ssh_key import PRIVATE_KEY, is_private_key
from roost.topology import Topology

PASSPHRASE = "passphrase"  # noqa: S105 - a key, not a secret
S3_KEY = "s3_key"
S3_SECRET = "s3_secret"  # noqa: S105 - a key, not a secret
SFTP_KEY = "sftp_key"
HEARTBEAT_URL = "heartbeat_url"
ALERT_URL = "alert_url"
RECEIVER_PASSWORD = "receiver_password"  # noqa: S105 - a key, not a secret

PASSWORDS = (PASSPHRASE, RECEIVER_PASSWORD)
"""Those that are made up as passwords are."""


@dataclass(frozen=True)
class _Kind:
    """What a secret may be; `allowed` completes "must be ...", `declaration` is what asks for it."""

    fits: Callable[[str], object]
    allowed: str
    declaration: str


def _text(pattern: str) -> Callable[[str], object]:
    return partial(re.fullmatch, pattern)


_WORD = _text(r"[!-~]{1,1000}")
_URL = _text(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?([/?][A-Za-z0-9._~:/?@&=+,%-]*)?")
_S3 = "{offsite: {s3: {endpoint: s3.example.com, bucket: atlas}}}"
_SFTP = "{offsite: {sftp: {host: backup.example.com, user: roost, path: /backups, host_keys: [ssh-ed25519 AAAA...]}}}"

_KINDS = {
    PASSPHRASE: _Kind(_text(r"[!-~]{20,1000}"), "20 or more printable ASCII characters without spaces", "true"),
    S3_KEY: _Kind(_WORD, "printable ASCII characters without spaces", _S3),
    S3_SECRET: _Kind(_WORD, "printable ASCII characters without spaces", _S3),
    SFTP_KEY: _Kind(is_private_key, PRIVATE_KEY, _SFTP),
    HEARTBEAT_URL: _Kind(_URL, "an https:// or http:// URL such as https://hc.example.com/ping/1", "{heartbeat: true}"),
    ALERT_URL: _Kind(_URL, "an https:// or http:// URL such as https://chat.example.com/hooks/1", "{alert: true}"),
    RECEIVER_PASSWORD: _Kind(
        _text(r"[A-Za-z0-9]{20,200}"),
        "20 or more letters and digits",
        "true, and a host in the group receiver of hosts.yml",
    ),
}


def declared_names(stack: Stack, topology: Topology) -> list[str]:
    """The secrets that the stack's backups have on these hosts."""
    backups = stack.backups
    if backups is None:
        return []
    return [
        PASSPHRASE,
        *([S3_KEY, S3_SECRET] if backups.offsite and backups.offsite.s3 else []),
        *([SFTP_KEY] if backups.offsite and backups.offsite.sftp else []),
        *([HEARTBEAT_URL] if backups.heartbeat else []),
        *([ALERT_URL] if backups.alert else []),
        *([RECEIVER_PASSWORD] if topology.receiver else []),
    ]


def declaration_hint(name: str) -> str:
    """What stack.yml must say so that there is a secret of this name."""
    kind = _KINDS.get(name)
    return f"Declare it in stack.yml: backups: {kind.declaration}" if kind else f"There are: {', '.join(_KINDS)}."


def checked(name: str, value: str) -> str:
    """The secret as it is kept. Raises UsageError, without the value, if it can't be one."""
    if not _KINDS[name].fits(value):
        raise UsageError(
            f"backups.{name} must be {_KINDS[name].allowed}.", hint=f"Set it with: roost secrets set backups {name}"
        )
    return value
