"""The one string in which a whole tree travels to the host."""

import base64
import json
import zlib
from collections.abc import Iterable
from typing import Any

from roost.config_tree.declaration import Declaration
from roost.config_tree.expand import PlannedFile


def encode_payload(declaration: Declaration, contents: Iterable[tuple[PlannedFile, bytes]]) -> str:
    """Return base64 of compressed JSON; the host's half is `decode_payload` in module_utils."""
    tree: dict[str, Any] = {
        "files": [_file(file, content) for file, content in contents],
        "directories": [vars(directory) for directory in declaration.directories],
        "links": [vars(link) for link in declaration.links],
        "absent": list(declaration.absent),
    }
    return base64.b64encode(zlib.compress(json.dumps(tree).encode(), 1)).decode()


def _file(file: PlannedFile, content: bytes) -> dict[str, Any]:
    return {
        "path": file.path,
        # Surrogates carry the bytes that are not UTF-8 through JSON and back.
        "content": content.decode("utf-8", "surrogateescape"),
        "owner": file.owner,
        "group": file.group,
        "mode": file.mode,
        "secret": file.secret,
        "topic": file.topic,
    }
