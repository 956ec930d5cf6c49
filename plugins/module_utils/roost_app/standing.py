"""What a history says of the releases: which were good, which failed, and where a rollback leads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible.module_utils.roost_app.history import ABANDONED, FAILED, LIVE, ROLLBACK, Entry


def latest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the last entry of each release: it is the one that counts. Abandoned attempts tell nothing."""
    return {entry.release: entry for entry in entries if entry.release and entry.outcome != ABANDONED}


def failed(entries: Iterable[Entry]) -> set[str]:
    """Return the releases whose last attempt failed."""
    return {release for release, entry in latest(entries).items() if entry.outcome == FAILED}


def good(entries: Iterable[Entry]) -> set[str]:
    """Return the releases that were live and did not fail since."""
    return {release for release, entry in latest(entries).items() if entry.outcome == LIVE}


def line(entries: Iterable[Entry]) -> list[str]:
    """Return the way back: the releases that were live one after the other, the last one last.

    A deploy goes on from there. A rollback goes back along it and leaves what lay ahead, so that the next
    rollback goes further back, never to a release that was rolled back from.
    """
    way: list[str] = []
    for entry in entries:
        if entry.outcome == LIVE and entry.release:
            way = _gone_back(way, entry.release) if entry.kind == ROLLBACK else _gone_on(way, entry.release)
    return way


def earlier(entries: Sequence[Entry], live: str) -> list[str]:
    """Return the good releases that a rollback from the live one may lead to, the nearest first.

    `live` counts even if nobody could record that it went live.
    """
    bad = failed(entries)
    way = line(entries)
    way = _gone_back(way, live) if live in way else _gone_on(way, live)
    return [release for release in reversed(way[:-1]) if release not in bad]


def _gone_on(way: list[str], release: str) -> list[str]:
    return [*(passed for passed in way if passed != release), release]


def _gone_back(way: list[str], release: str) -> list[str]:
    return way[: way.index(release) + 1] if release in way else [*way, release]
