"""What there is of an application's releases on this host, for people and for a rollback."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.module_utils.roost_app.attempt import origin
from ansible.module_utils.roost_app.history import FAILED, Entry, read
from ansible.module_utils.roost_app.operator_lock import read_lock
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import complete_releases, read_manifest, target_name
from ansible.module_utils.roost_app.standing import earlier, good, latest
from ansible.module_utils.roost_app.turn import read_turn

RECENT = 50


def catalogue(paths: AppPaths) -> dict[str, Any]:
    """Return the live release, those that a rollback may lead to, all releases and the recent history.

    `earlier` are the good releases before the live one, the nearest first; `good` all that one may go to by name.
    """
    entries = read(paths.history)
    complete = complete_releases(paths.releases)
    live = target_name(paths.current)
    live = live if live in complete else ""
    back = [release for release in earlier(entries, live) if release in complete] if live else []
    was_good = good(entries)
    lock = read_lock(paths.operator_lock)
    turn = read_turn(paths)
    return {
        "name": paths.name,
        "live": live,
        "earlier": back,
        "good": [release for release in complete if release in was_good or release == live],
        "lock": asdict(lock) if lock else None,
        "turn": {**asdict(turn), "idle_seconds": turn.idle_seconds} if turn else None,
        "releases": _releases(paths, entries, complete, live, back[:1]),
        "history": [asdict(entry) for entry in entries[-RECENT:]],
    }


def _releases(
    paths: AppPaths, entries: list[Entry], complete: list[str], live: str, previous: list[str]
) -> list[dict[str, Any]]:
    """Return the releases on the disk and those that failed lately, the last tried first."""
    last = latest(entries)
    gone = [
        release
        for release, entry in latest(entries[-RECENT:]).items()
        if release not in complete and entry.outcome == FAILED
    ]
    found = []
    for release in [*complete, *gone]:
        manifest = read_manifest(paths.release(release)) or {}
        entry = last.get(release)
        known = asdict(entry) if entry else {"when": manifest["built"], "who": manifest["who"], **origin(manifest)}
        failed = entry is not None and entry.outcome == FAILED
        state = "live" if release == live else "previous" if release in previous else "failed" if failed else "kept"
        found.append(
            {
                "id": release,
                "state": state,
                "reason": known.get("reason", "") if state == "failed" else "",
                **{key: known[key] for key in ("version", "commit", "source", "who", "when")},
                "phases": {**manifest.get("phases", {}), **known.get("phases", {})},
            }
        )
    return sorted(found, key=lambda item: (item["when"], item["state"] == "live"), reverse=True)
