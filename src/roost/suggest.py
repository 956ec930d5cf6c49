"""Did-you-mean."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "x"?` for the known word nearest to `word`, or an empty string when none is near."""
    spelled = {name.lower(): name for name in known}
    nearest = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    return f' Did you mean "{spelled[nearest[0]]}"?' if nearest else ""


def listed(words: Iterable[str]) -> str:
    """The words as `a, b or c`."""
    *head, last = words
    return f"{', '.join(head)} or {last}" if head else last
