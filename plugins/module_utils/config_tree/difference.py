"""Changes as `--diff` shows them."""

from __future__ import annotations

from ansible.module_utils.config_tree.node import ABSENT, FILE, LINK, Node
from ansible.module_utils.config_tree.plan import Change
from ansible.module_utils.config_tree.view import View

_MOST_BYTES = 512 * 1024
_SECRET = "(secret content changed)\n"  # noqa: S105 - what is shown instead of one


def describe(change: Change, view: View) -> dict[str, str]:
    """Return the difference that a change makes: in content if that changes, or else in kind, owner and mode."""
    before, after = _facts(change.before), _facts(change.after)
    difference = {
        "before_header": f"{change.path} ({before})",
        "after_header": f"{change.path} ({after})",
        "before": before + "\n",
        "after": after + "\n",
    }
    old = view.content(change.real) if change.before.kind == FILE else b""
    if old != change.content:
        difference["before"], difference["after"] = _contents(change, old)
    return difference


def _contents(change: Change, old: bytes) -> tuple[str, str]:
    if change.secret:
        return "", _SECRET
    return _text(old), _text(change.content)


def _text(content: bytes) -> str:
    if len(content) > _MOST_BYTES:
        return f"({len(content)} bytes)\n"
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"({len(content)} bytes that are not text)\n"


def _facts(node: Node) -> str:
    if node.kind == ABSENT:
        return node.kind
    if node.kind == LINK:
        return f"link to {node.target}"
    return f"{node.kind}, mode {node.mode:04o}, owner {node.uid}:{node.gid}"
