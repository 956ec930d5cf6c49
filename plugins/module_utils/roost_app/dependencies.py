"""A release with the dependencies of an earlier one takes over its virtual environment, as hard links.

Installing and compiling the same packages again would be most of the time that a deploy of changed code takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible.module_utils.roost_app.releases import complete_releases, inputs_digest, read_manifest

PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[^\]]*\])? *== *[\w.!+-]+( *;.*?)?( +--hash=\S+)*")


def dependencies_digest(requirements: str, servers: Mapping[str, str], interpreter: str) -> str:
    """Return what identifies the packages of a virtual environment; "" if that may change without notice.

    It may unless every requirement is pinned to one version.
    """
    lines = list(requirement_lines(requirements))
    if not lines or not all(PINNED.fullmatch(line) for line in lines):
        return ""
    python = Path(interpreter).resolve().name
    return inputs_digest({"requirements": lines, "servers": dict(servers), "python": python})


def requirement_lines(text: str) -> Iterator[str]:
    """Give each requirement of a requirements file in one line, without comments."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if requirement := re.sub(r"(^|\s)#.*", "", line).strip():
            yield re.sub(r"\s+", " ", requirement)


def venv_with(digest: str, releases: Path) -> Path | None:
    """Return the virtual environment of the newest complete release with these dependencies, if there is one."""
    if not digest:
        return None
    for release in complete_releases(releases):
        venv = releases / release / "venv"
        manifest = read_manifest(releases / release) or {}
        # An upgrade of the host may have taken its Python away.
        if manifest.get("dependencies") == digest and (venv / "bin" / "python").exists():
            return venv
    return None
