"""The parts of a site that its application's `edge.locations` treat in their own way."""

from collections.abc import Mapping
from typing import Any

from roost.model import Limits, Location, ResolvedApp


def locations(app: ResolvedApp, apps: Mapping[str, ResolvedApp]) -> list[dict[str, Any]]:
    """Return the locations of the application's site; `apps` are all applications by name."""
    return [_location(app, location, apps[location.app or app.name]) for location in app.edge.locations]


def limits(declared: Limits | None) -> dict[str, Any]:
    """Return what the site, or a location of it, lets one visitor do; zeros stand for no limit."""
    if declared is None:
        return {"rate": "", "burst": 0, "connections": 0}
    return {
        "rate": declared.rate.replace("/", "r/") if declared.rate else "",
        "burst": declared.burst,
        "connections": declared.connections or 0,
    }


def password_file(app: ResolvedApp) -> str:
    return f"/etc/roost/nginx/{app.name}.htpasswd"


def _location(app: ResolvedApp, location: Location, target: ResolvedApp) -> dict[str, Any]:
    body = location.max_body_mb or target.web.max_body_mb
    return {
        "url": location.path,
        "site": target.name,
        **_answers(location.path, target),
        "streams": target.web.asynchronous,
        "max_body_mb": 0 if body == app.web.max_body_mb else body,
        "max_request_time": location.max_request_time or target.web.max_request_time,
        "buffer_uploads": location.buffer_uploads,
        **limits(location.limits),
        "allow": list(location.allow),
        "password_file": password_file(app) if location.password else "",
        "cache_seconds": location.cache or 0,
        "snippet": location.snippet or "",
    }


def _answers(path: str, target: ResolvedApp) -> dict[str, Any]:
    """Return the socket, or the folder, of the part of an application that answers a path."""
    frontend = target.frontend
    if frontend is None or any(_is_below(path, url) for url in (*frontend.backend, target.web.health)):
        return {"socket": f"/srv/{target.name}/live.sock", "root": "", "buffer_answers": True}
    if frontend.kind == "node":
        return {"socket": f"/srv/{target.name}/frontend.sock", "root": "", "buffer_answers": False}
    root = f"/srv/{target.name}/current/frontend"
    return {"socket": f"/srv/{target.name}/live.sock", "root": root, "buffer_answers": True}


def _is_below(path: str, url: str) -> bool:
    return path.startswith(url) if url.endswith("/") else path == url
