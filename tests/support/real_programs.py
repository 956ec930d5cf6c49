"""Whether the programs of a converged host accept the files that the roles make of a stack."""

import base64
import io
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.hosts import Host
from tests.support.rendering import RenderedTree, render_host

SCRIPT = Path(__file__).with_name("real_programs.sh").read_text()


def ask_programs(host: Host, release: str, stack: Mapping[str, Any]) -> None:
    """Raise AssertionError with what the programs say against the files."""
    archive = _archive(render_host(stack, release), [app["name"] for app in stack["apps"]])
    host.run(f"exec 2>&1; set -- {shlex.quote(base64.b64encode(archive).decode())}\n{SCRIPT}")


def _archive(trees: list[RenderedTree], apps: list[str]) -> bytes:
    """Pack the files below /etc with their modes; owners are the host's matter."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        _add(archive, "apps", " ".join(apps).encode(), 0o644)
        for tree in trees:
            for file, content in tree.files:
                if file.path.startswith("etc/"):
                    _add(archive, file.path, content, file.mode)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
