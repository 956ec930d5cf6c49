"""Keep secret files out of what other programs print about them."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "(hidden)"
_SHORTEST = 6
_VALUE = re.compile(r"""[^\s"'=:;,]+""")


def redact(text: str, secrets: Iterable[bytes]) -> str:
    """Return `text` without the lines of secret files and without the last word of each, usually the value."""
    parts: set[str] = set()
    for secret in secrets:
        for line in secret.decode(errors="replace").splitlines():
            parts.add(line.strip())
            parts.update(_VALUE.findall(line)[-1:])
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST:
            text = text.replace(part, HIDDEN)
    return text
