"""What `roost status` tells of the receiver of a database server's log. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from roost.wording import age

_LOSS = "what is committed now and not yet archived would be lost with this server"


def receiver_troubles(receiver: Mapping[str, Any]) -> Iterator[str]:
    """What needs somebody's attention."""
    if not receiver["connected"]:
        yield f"the receiver of PostgreSQL's log is away{_for(receiver)}: {_LOSS}"
    elif not receiver["waits"]:
        yield f"commits don't wait for the receiver of PostgreSQL's log, which is behind{_for(receiver)}: {_LOSS}"


def receiver_row(receiver: Mapping[str, Any]) -> str:
    """`has every commit`."""
    if receiver["waits"]:
        return "has every commit"
    return f"{'behind' if receiver['connected'] else 'away'}{_for(receiver)}"


def _for(receiver: Mapping[str, Any]) -> str:
    seconds = receiver["behind_seconds"]
    if seconds is None:
        return ""
    return f" for {age(seconds) if seconds >= 60 else f'{seconds} s'}"
