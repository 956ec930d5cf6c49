"""The inputs of the role nginx."""

from collections.abc import Mapping
from typing import Any

from roost.derive.context import Context, role_input
from roost.derive.locations import limits, locations
from roost.derive.pages import pages
from roost.derive.passwords import password_hash
from roost.model import ResolvedApp, Stack

CONNECTION_KB = 48
"""What a connection takes at most in the middle: its buffers, and those of the application's answer."""

FEWEST_CONNECTIONS, MOST_CONNECTIONS = 1024, 8192
"""Of one worker. More than the most would need more open files than some hosts allow."""


@role_input
def nginx_sites(context: Context) -> list[dict[str, Any]]:
    """Return a site for each application: the first domain and wildcards serve, the others redirect.

    One without domains answers in locations of other sites, and may be in maintenance like any other.
    """
    apps = {app.name: app for app in context.apps}
    return [
        {
            "name": app.name,
            "domains": [*app.domains[:1], *app.wildcards],
            "redirect_domains": [domain for domain in app.domains[1:] if domain not in app.wildcards],
            "socket": f"/srv/{app.name}/live.sock",
            "static": _static(app) + _static_of_others(app, apps),
            "frontend": _frontend(app),
            "limits": limits(app.edge.limits),
            "locations": locations(app, apps),
            "waf": app.edge.waf or "",
            "snippet": app.edge.snippet or "",
            "protected": _protected(app),
            "max_body_mb": app.web.max_body_mb,
            "max_request_time": app.web.max_request_time,
            "streams": app.web.asynchronous,
            "tls_name": app.name,
            **_hsts(app, context.stack),
            "headers": _headers(app),
            "cors": app.edge.cors.model_dump() if app.edge.cors else None,
            "health": app.web.health,
            "maintenance_page": _maintenance_page(app),
            "pages": pages(app),
        }
        for app in context.apps
    ]


@role_input
def nginx_passwords(context: Context, vault_apps: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return who is let in where an application's site asks for a password."""
    return [
        {"name": app.name, "user": app.name, "password_hash": password_hash(vault_apps[app.name]["edge_password"])}
        for app in context.apps
        if app.edge.asks_for_password
    ]


@role_input
def nginx_tls_profile(context: Context) -> str:
    return context.stack.edge.tls_profile


@role_input
def nginx_real_ip_networks(context: Context) -> list[str]:
    proxies = context.stack.edge.trusted_proxies
    return list(proxies.networks) if proxies else []


@role_input
def nginx_real_ip_header(context: Context) -> str:
    proxies = context.stack.edge.trusted_proxies
    return proxies.header if proxies else "X-Forwarded-For"


@role_input
def nginx_worker_connections(context: Context) -> int:
    """Return how many connections fill an eighth of the host's memory, shared by a worker on each processor."""
    fitting = context.memory_mb * 1024 // 8 // CONNECTION_KB // context.cpus
    return max(FEWEST_CONNECTIONS, min(fitting // 256 * 256, MOST_CONNECTIONS))


def _hsts(app: ResolvedApp, stack: Stack) -> dict[str, Any]:
    """Return whether browsers are told to use HTTPS only, and for which host names.

    Nobody who was told so can pass by a certificate that isn't trusted.
    """
    if app.edge.hsts == "auto":
        trusted = app.tls == "own" or (app.tls == "letsencrypt" and stack.acme_directory != "staging")
        return {"hsts": trusted, "hsts_scope": "host"}
    return {"hsts": app.edge.hsts != "never", "hsts_scope": "host" if app.edge.hsts == "never" else app.edge.hsts}


def _headers(app: ResolvedApp) -> list[dict[str, str]]:
    declared = app.edge.headers.model_dump(exclude_none=True)
    return [{"name": key.replace("_", "-").title(), "value": value} for key, value in declared.items()]


def _maintenance_page(app: ResolvedApp) -> str:
    return f"/srv/{app.name}/current/src/{app.web.maintenance_page}" if app.web.maintenance_page else ""


def _protected(app: ResolvedApp) -> list[dict[str, str]]:
    if not (app.celery and app.celery.flower):
        return []
    socket, password_file = f"/run/flower/{app.name}/flower.sock", f"/etc/roost/flower/{app.name}.htpasswd"
    return [{"url": app.celery.flower.url, "socket": socket, "password_file": password_file}]


def _static(app: ResolvedApp) -> list[dict[str, Any]]:
    locations = []
    if app.static:
        locations.append(
            {
                "url": app.static.url,
                "path": f"/srv/{app.name}/current/static/",
                "earlier_path": f"/srv/{app.name}/previous/static",
                "immutable": True,
            }
        )
    if app.media:
        locations.append({"url": app.media.url, "path": f"/srv/{app.name}/media/", "immutable": False})
    if app.frontend:
        folder = app.frontend.assets_folder
        locations.append(
            {
                "url": app.frontend.assets_url,
                "path": f"/srv/{app.name}/current/frontend/{folder}/",
                "earlier_path": f"/srv/{app.name}/previous/frontend/{folder}",
                "immutable": True,
                "hashes": {"static": "short", "node": "any"}[app.frontend.kind],
            }
        )
    return locations


def _static_of_others(app: ResolvedApp, apps: Mapping[str, ResolvedApp]) -> list[dict[str, Any]]:
    """Return the files of applications that answer in locations of this site, as far as they lie in these."""
    places = [place for place in app.edge.locations if place.app]
    return [
        static for place in places for static in _static(apps[place.app or ""]) if static["url"].startswith(place.path)
    ]


def _frontend(app: ResolvedApp) -> dict[str, Any] | None:
    if app.frontend is None:
        return None
    static = app.frontend.kind == "static"
    taken = {app.web.health, *(place.path for place in app.edge.locations)}
    return {
        "root": f"/srv/{app.name}/current/frontend" if static else "",
        "socket": "" if static else f"/srv/{app.name}/frontend.sock",
        "backend": [url for url in app.frontend.backend if url not in taken],
    }
