"""Where a rollback leads: one release for all hosts, or a reason why there is none. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from roost.errors import Locked, TaskFailed, UsageError
from roost.suggest import did_you_mean, listed

_SHOWN = 5

type Found = Mapping[str, Any]
"""What the module `app_releases` tells of one application on one host."""


def apps_to_roll_back(known: Sequence[str], named: Sequence[str], to: str) -> list[str]:
    """The applications that are meant. None need be named if there is only one. Raises UsageError."""
    for app in named:
        if app not in known:
            raise UsageError(f"There is no application {app}.{did_you_mean(app, known)}")
    if not named and len(known) > 1:
        raise UsageError(f"There are several applications: say which to roll back, {listed(known)}.")
    apps = list(dict.fromkeys(named or known))
    if to and len(apps) != 1:
        raise UsageError("A release belongs to one application: name exactly one.")
    return apps


def unknown_migrations(hosts: Mapping[str, Found], target: str) -> list[str]:
    """The migrations of the database that a release doesn't know. The host that runs the release commands tells."""
    names = [
        name
        for found in hosts.values()
        for release in found["releases"]
        if release["id"] == target
        for name in release["unknown_migrations"]
    ]
    return list(dict.fromkeys(names))


def mismatch(app: str, target: str, unknown: Sequence[str]) -> str:
    """A sentence about the migrations that a rollback leaves behind."""
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return (
        f"{app}: the database has migrations that release {target} does not know: {', '.join(unknown[:_SHOWN])}{more}."
    )


def refuse_mismatch(app: str, hosts: Mapping[str, Found], target: str) -> None:
    """Raise TaskFailed if the database has migrations that the release to go back to doesn't know."""
    if unknown := unknown_migrations(hosts, target):
        raise TaskFailed(
            f"{mismatch(app, target, unknown)}\nA rollback leaves the database as it is. Nothing was switched. "
            "If the release works with them, allow it: --allow-schema-mismatch (app_allow_schema_mismatch=true)."
        )


def rollback_target(app: str, hosts: Mapping[str, Found], to: str) -> str:
    """The release to go back to on every host.

    Raises Locked if somebody has locked the application, and TaskFailed if not all hosts have a good release of it.
    """
    for host, found in hosts.items():
        if lock := found["lock"]:
            raise Locked(f"{app} is locked by {lock['who']} since {lock['since']}: {lock['why']} (on {host})")
    return _named(app, hosts, to) if to else _earlier(app, hosts)


def described(app: str, hosts: Mapping[str, Found], target: str) -> dict[str, str]:
    """What those who are told of a rollback learn: the release, what of, and which one was live, on the first host."""
    found = next(iter(hosts.values()))
    release = next(release for release in found["releases"] if release["id"] == target)
    return {
        "name": app,
        "release": target,
        "live": found["live"],
        "version": release["version"],
        "commit": release["commit"],
    }


def _named(app: str, hosts: Mapping[str, Found], to: str) -> str:
    for host, found in hosts.items():
        if to in found["good"]:
            continue
        known = ", ".join(found["good"]) or "none"
        raise TaskFailed(
            f"{app}: {_why_not(found, to, host)}{did_you_mean(to, found['good'])} "
            f"It can go back to: {known}. Nothing was switched."
        )
    return to


def _why_not(found: Found, to: str, host: str) -> str:
    for release in found["releases"]:
        if release["id"] == to and release["state"] == "failed":
            return f"release {to} failed on {host} ({release['reason']})."
        if release["id"] == to:
            return f"release {to} never was live on {host}: deploy it instead."
    return f"{host} has no release {to}."


def _earlier(app: str, hosts: Mapping[str, Found]) -> str:
    live = {host: found["live"] for host, found in hosts.items()}
    if len(set(live.values())) > 1:
        running = ", ".join(f"{host} {release or 'none'}" for host, release in live.items())
        raise TaskFailed(f"{app}: the hosts run different releases ({running}): say which one to go back to.")
    first = next(iter(hosts.values()))
    for release in first["earlier"]:
        if all(release in found["earlier"] for found in hosts.values()):
            return str(release)
    where = "" if len(hosts) == 1 else " that every host has"
    raise TaskFailed(f"{app}: there is no good release before {first['live'] or 'the first'}{where} to go back to.")
