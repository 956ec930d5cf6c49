"""A copy of an environment's declaration, for whoever has lost everything but the vault's password."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from roost.environment import Environment
from roost.paths import project_root


class Sealer(Protocol):
    """What is needed of `ansible.parsing.vault.VaultLib`."""

    def encrypt(self, plaintext: bytes, *, salt: bytes) -> bytes:
        """Encrypt bytes with the environment's vault password."""


def sealed_project(environment: Environment, sealer: Sealer) -> str:
    """The packed declaration, encrypted as `ansible-vault decrypt` reads it; the same text for the same content.

    It is encrypted as a whole, so that nobody needs to know which files of it are secret.
    """
    content = packed(environment)
    # Made from the content, the salt of another content is another one: no key is ever used twice.
    return sealer.encrypt(content, salt=hashlib.sha256(content).digest()).decode()


def packed(environment: Environment) -> bytes:
    """The environment's folder and the files of the project that its stack names, as .tar.xz, without their times."""
    root = project_root(environment.inventory)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for path in sorted({*_own_files(environment.inventory.resolve()), *_named_files(environment, root)}):
            content = path.read_bytes()
            entry = tarfile.TarInfo(path.relative_to(root).as_posix())
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _own_files(folder: Path) -> Iterator[Path]:
    """What is in the environment's folder, without what editors and people hide there."""
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") or part.endswith("~") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _named_files(environment: Environment, root: Path) -> Iterator[Path]:
    """The certificates and authorities that the stack names, as far as they are in the project."""
    stack = environment.stack
    s3 = stack.backups.offsite.s3 if stack.backups and stack.backups.offsite else None
    named = [stack.acme_ca, s3.ca if s3 else None, *(app.certificate.file for app in environment.apps)]
    for path in (root / name for name in named if name):
        if path.resolve().is_relative_to(root):
            yield path
