"""Where a host keeps its certificates, and the one link through which each is read.

    /etc/roost/tls/<name>                  link to one of the next folders
    /var/lib/roost/tls/<name>-<digest>/    self-signed placeholder for exactly these domains
    /etc/letsencrypt/live/<name>/          issued by a certificate authority
    /etc/roost/tls-own/<name>/             brought by the user
    /var/lib/roost/tls-received/<name>-<digest>/    issued for another web host, and fetched from it

Each folder holds fullchain.pem and privkey.pem. One rename of one link switches both at once.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

CERTIFICATES_ARGUMENT: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "name": {"type": "str", "required": True},
        "domains": {"type": "list", "elements": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": ["acme", "selfsigned", "own", "received"]},
        "key_type": {"type": "str", "default": "ecdsa", "choices": ["ecdsa", "rsa"]},
        "challenge": {"type": "str", "default": "http", "choices": ["http", "dns"]},
    },
}

_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


class TlsStore:
    """The certificates below `root` (the host's file system, or a test's folder)."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.links = root / "etc/roost/tls"
        self.placeholders = root / "var/lib/roost/tls"
        self.live = root / "etc/letsencrypt/live"
        self.received = root / "var/lib/roost/tls-received"
        self.own = root / "etc/roost/tls-own"

    def placeholder(self, name: str, domains: list[str]) -> Path:
        """The folder of the placeholder for `domains`, whether it exists or not.

        Raises ValueError for a name that isn't safe as a file name.
        """
        if not _SAFE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a certificate: use a-z, 0-9, dots and dashes")
        digest = hashlib.sha256("\n".join(domains).encode()).hexdigest()[:12]
        return self.placeholders / f"{name}-{digest}"

    def issued(self, name: str) -> Path | None:
        """The folder of the issued certificate, or None while there is none."""
        folder = self.live / name
        return folder if (folder / "fullchain.pem").exists() and (folder / "privkey.pem").exists() else None

    def current(self) -> dict[str, Path]:
        """The links that exist, by name. Links to elsewhere aren't ours and are left out."""
        if not self.links.is_dir():
            return {}
        targets = {link.name: link.readlink() for link in self.links.iterdir() if link.is_symlink()}
        ours = (self.placeholders, self.live, self.own, self.received)
        return {name: target for name, target in targets.items() if target.parent in ours}

    def point(self, name: str, target: Path) -> None:
        """Point the link `name` at the folder `target`, atomically.

        Raises OSError when something else than a link is in its place.
        """
        self.links.mkdir(parents=True, exist_ok=True)
        fresh = self.links / f".{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(self.links / name)

    def unlink(self, name: str) -> None:
        (self.links / name).unlink()
