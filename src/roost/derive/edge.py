"""The inputs of the roles that face the internet: nginx, certbot."""

from typing import Any

from roost.derive.context import Context, role_input
from roost.model import ResolvedApp

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


@role_input
def nginx_sites(context: Context) -> list[dict[str, Any]]:
    """Return a site for each application: the first domain serves, the others redirect to it."""
    return [
        {
            "name": app.name,
            "domains": [app.domains[0]],
            "redirect_domains": list(app.domains[1:]),
            "socket": f"/srv/{app.name}/live.sock",
            "static": _static(app),
            "frontend": _frontend(app),
            "protected": _protected(app),
            "max_body_mb": app.web.max_body_mb,
            "max_request_time": app.web.max_request_time,
            "streams": app.web.asynchronous,
            "tls_name": app.name,
            "hsts": app.tls == "letsencrypt",
            "health": app.web.health,
            "maintenance_page": _maintenance_page(app),
        }
        for app in context.apps
    ]


@role_input
def certbot_certificates(context: Context) -> list[dict[str, Any]]:
    kinds = {"letsencrypt": "acme", "selfsigned": "selfsigned"}
    return [{"name": app.name, "domains": list(app.domains), "kind": kinds[app.tls]} for app in context.apps]


@role_input
def certbot_email(context: Context) -> str:
    return context.stack.acme_email or ""


@role_input
def certbot_directory_url(context: Context) -> str:
    return context.stack.acme_directory or LETS_ENCRYPT


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


def _frontend(app: ResolvedApp) -> dict[str, Any] | None:
    if app.frontend is None:
        return None
    static = app.frontend.kind == "static"
    return {
        "root": f"/srv/{app.name}/current/frontend" if static else "",
        "socket": "" if static else f"/srv/{app.name}/frontend.sock",
        "backend": [url for url in app.frontend.backend if url != app.web.health],
    }
