"""Keep the modules that Ansible packs for the hosts from one run to the next."""

import hashlib
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

DOCUMENTATION = r"""
name: packed_modules
type: aggregate
short_description: Keep the modules that Ansible packs for the hosts from one run to the next
description:
  - Ansible parses each module, and all that it imports, to pack what a host needs. It does so anew in each run, for
    2 of the 9 seconds of a second run of C(site.yml).
  - The packed modules are kept in C(~/.ansible/roost/modules), in a folder for each state of Ansible and of the
    files that can be packed. Where none can be kept, Ansible packs as ever.
author: The Roost authors
requirements: [listed in C(callbacks_enabled)]
"""

DAYS_UNUSED = 14


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible ships no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "packed_modules"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, _playbook: object) -> None:
        kept = Path(constants.ANSIBLE_HOME) / "roost" / "modules"
        with suppress(OSError):
            folder = kept / state_of(packable_files())
            folder.mkdir(parents=True, exist_ok=True)
            kept.chmod(0o700)
            folder.touch()
            # Where this run would keep them for itself.
            (Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache").symlink_to(folder)
            remove_unused(kept)


def packable_files() -> Iterator[Path]:
    """Yield the files that tell whether packed modules are still current. Ansible's own change with its version."""
    for folder in [*constants.DEFAULT_MODULE_PATH, *constants.DEFAULT_MODULE_UTILS_PATH]:
        yield from Path(folder).rglob("*.py")
    for folder in constants.DEFAULT_ROLES_PATH:
        for kind in ("library", "module_utils"):
            yield from Path(folder).glob(f"*/{kind}/**/*.py")
    for folder in constants.COLLECTIONS_PATHS:
        for collection in Path(folder).glob("ansible_collections/*/*"):
            # An installed collection changes with its manifest; one that somebody works on has none.
            manifest = collection / "MANIFEST.json"
            yield from [manifest] if manifest.is_file() else collection.glob("plugins/module*/**/*.py")


def state_of(files: Iterable[Path]) -> str:
    """Return what changes with the version of Ansible or Python, or with one of the files."""
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    for file in sorted(set(files)):
        status = file.stat()
        digest.update(f"\n{file} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def remove_unused(kept: Path) -> None:
    """Remove the folders that no run has used for long."""
    for folder in kept.iterdir():
        if time.time() - folder.stat().st_mtime > DAYS_UNUSED * 86_400:
            shutil.rmtree(folder, ignore_errors=True)
