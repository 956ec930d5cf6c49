"""Which certificates a web host has, and whom it asks for them: the inputs of the role certbot, two of nginx."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roost.derive.context import Context, role_input
from roost.model.certificates import LETS_ENCRYPT
from roost.own_certificate import CERTIFICATE_KEY
from roost.paths import project_root

_KINDS = {"letsencrypt": "acme", "selfsigned": "selfsigned", "own": "own"}


@role_input
def certbot_certificates(context: Context) -> list[dict[str, Any]]:
    return [
        {
            "name": app.name,
            "domains": list(app.domains),
            "kind": "received" if app.tls == "letsencrypt" and _issuer_address(context) else _KINDS[app.tls],
            "key_type": app.certificate.key,
            "challenge": app.challenge,
        }
        for app in context.apps
        if app.domains
    ]


@role_input
def certbot_own_certificates(
    context: Context, vault_apps: Mapping[str, Mapping[str, str]], inventory_dir: str
) -> list[dict[str, str]]:
    """Return where on the controller the certificates are that the user brings, and where their keys are."""
    root = project_root(Path(inventory_dir))
    return [
        {
            "name": app.name,
            "file": str(root / app.certificate.file),
            "key_file": str(root / app.certificate.key_file) if app.certificate.key_file else "",
            "key": "" if app.certificate.key_file else vault_apps[app.name][CERTIFICATE_KEY],
        }
        for app in context.apps
        if app.certificate.file
    ]


@role_input
def certbot_shared(context: Context) -> list[str]:
    """Return the certificates that the first web host has issued for all of them; none if it is the only one."""
    several = len(context.topology.members("web")) > 1
    return [app.name for app in context.apps if app.domains and app.tls == "letsencrypt" and several]


@role_input
def certbot_issuer_address(context: Context) -> str:
    return _issuer_address(context)


@role_input
def nginx_acme_issuer(context: Context) -> str:
    return _issuer_address(context)


@role_input
def nginx_tls_clients(context: Context) -> list[str]:
    """Return the other web hosts, if this one has the certificates issued for them."""
    if not context.is_first("web"):
        return []
    return [host.internal_address for host in context.topology.members("web")[1:]]


@role_input
def certbot_email(context: Context) -> str:
    return context.stack.acme_email or ""


@role_input
def certbot_directory_url(context: Context) -> str:
    return LETS_ENCRYPT.get(context.stack.acme_directory, context.stack.acme_directory)


@role_input
def certbot_ca_file(context: Context, inventory_dir: str) -> str:
    return str(project_root(Path(inventory_dir)) / context.stack.acme_ca) if context.stack.acme_ca else ""


@role_input
def certbot_dns_plugin(context: Context) -> str:
    return context.stack.acme_dns.plugin if context.stack.acme_dns else ""


@role_input
def certbot_dns_settings(context: Context, vault_acme_dns: Mapping[str, str]) -> list[dict[str, str]]:
    dns = context.stack.acme_dns
    if dns is None:
        return []
    values = {**dns.settings, **{name: vault_acme_dns[name] for name in dns.secrets}}
    return [{"name": name, "value": value} for name, value in values.items()]


@role_input
def certbot_dns_propagation_seconds(context: Context) -> int:
    return context.stack.acme_dns.propagation_seconds if context.stack.acme_dns else 0


@role_input
def certbot_preflight(context: Context) -> bool:
    return context.stack.acme_preflight


def _issuer_address(context: Context) -> str:
    """Where the host is that has the certificates issued; empty if it is this one."""
    first = context.topology.members("web")[:1]
    return "" if first in ((), (context.host,)) else first[0].internal_address
