"""Keep the modules that Ansible packs for the hosts from one run to the next, and have hosts compile them once."""

import base64
import hashlib
import io
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ansible import constants
from ansible.executor.module_common import _CachedModule
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

DOCUMENTATION = r"""
name: packed_modules
type: aggregate
short_description: Keep the modules that Ansible packs from one run to the next, and have hosts compile them once
description:
  - Ansible parses each module, and all that it imports, to pack what a host needs. It does so anew in each run, for
    2 of the 9 seconds of a second run of C(site.yml).
  - The packed modules are kept in C(~/.ansible/roost/modules), in a folder for each state of Ansible and of the
    files that can be packed. Where none can be kept, Ansible packs as ever.
  - A host runs a module from the archive that it came in, from which Python compiles all anew, for half of the time of
    a small task. What an earlier run packed unpacks itself, for root alone, into a folder of C(/run), where
    Python keeps what it compiled.
author: The Roost authors
requirements: [listed in C(callbacks_enabled)]
"""

DAYS_UNUSED = 14

PACKAGE = "ansible/__init__.py"
UNPACKED = Path(__file__).parents[1] / "module_utils" / "unpacked.py"
# Of a packed module that unpacks itself.
MARK = ".unpacks"


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible ships no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "packed_modules"
    CALLBACK_NEEDS_ENABLED = True

    folder: Path | None = None

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
            self.folder = folder

    def v2_playbook_on_stats(self, _stats: object) -> None:
        if self.folder:
            with suppress(OSError):
                let_them_unpack(self.folder)


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
        digest.update(f"\n{file} ".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def remove_unused(kept: Path) -> None:
    """Remove the folders that no run has used for long."""
    for folder in kept.iterdir():
        if time.time() - folder.stat().st_mtime > DAYS_UNUSED * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


def let_them_unpack(folder: Path) -> None:
    """Let modules that were packed unpack themselves on hosts. Other runs may read and change them meanwhile."""
    for file in folder.glob("*-none"):
        mark = file.with_name(file.name + MARK)
        if not mark.exists():
            module = _CachedModule.load(str(file))
            archive = that_unpacks_itself(base64.b64decode(module.zip_data), folder.name)
            changed = file.with_name(f".{file.name}.{os.getpid()}")
            replace(module, zip_data=base64.b64encode(archive)).dump(str(changed))
            changed.replace(file)
            mark.touch()


def that_unpacks_itself(archive: bytes, state: str) -> bytes:
    """Return an archive whose package, when it is imported, finds itself unpacked in the folder of this state."""
    before, after = UNPACKED.read_bytes(), f"__path__ = unpacked(__path__, {state!r})\n".encode()
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == PACKAGE and not content.startswith(before):
                content = b"\n".join((before, content, after))
            new.writestr(entry, content)
    return changed.getvalue()
