"""Times, ages and sizes as people read them. Pure."""

_KINDS = {"full": "full", "diff": "differential", "incr": "incremental"}
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def moment(text: str) -> str:
    """A time of day: 2026-11-24 13:05 UTC."""
    return f"{text[:10]} {text[11:16]} UTC" if text.endswith("Z") else text


def age(seconds: int) -> str:
    """`40 min`, `3 h` or `2 days`."""
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 2 * 86400 else f"{seconds // 86400} days"


def size(count: int) -> str:
    """So many bytes: `512 B`, `3.9 MiB` or `1.2 TiB`."""
    if count < 1024:
        return f"{count} B"
    amount = count / 1024
    for unit in _UNITS[:-1]:
        if amount < 1023.95:
            return f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {_UNITS[-1]}"


def backup_kind(kind: str) -> str:
    """A backup's kind in full: `differential`."""
    return _KINDS.get(kind, kind)
