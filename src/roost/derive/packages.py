"""All Debian packages of a host, so that they are installed in one transaction."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from roost.derive.backups import backups_of, files_backups_of, sftp_of
from roost.derive.context import Context, role_input
from roost.derive.data import local_databases
from roost.derive.elsewhere import dumped_databases
from roost.paths import bundle_root


@role_input
def packages_names(context: Context) -> list[str]:
    """Return what the roles that site.yml gives this host, and the applications on it, will ask for; sorted."""
    names: set[str] = set()
    for role in roles_of(context.host.groups):
        if role == "backup" or (role == "pgbouncer" and not context.pooled):
            continue
        names.update(_role_variables(role).get(f"__{role}_packages", ()))
    names.update(_backup_packages(context))
    if context.plays("web") and any(app.edge.waf for app in context.apps):
        names.update(_role_variables("nginx")["__nginx_waf_packages"])
    if context.plays("database"):
        packaged = _role_variables("postgresql")["__postgresql_extension_packages"]
        wanted = {extension for _, database in local_databases(context) for extension in database.extensions}
        names.update(packaged[extension] for extension in wanted & packaged.keys())
    if context.plays("app") or context.plays("worker"):
        names.update(package for app in context.apps for package in app.packages)
    if context.plays("web") and context.stack.acme_dns:
        names.add(f"python3-certbot-dns-{context.stack.acme_dns.plugin}")
    return sorted(names)


def _backup_packages(context: Context) -> list[str]:
    """Return what the backups of this host need."""
    kinds = {
        "database": backups_of(context),
        "dumps": dumped_databases(context),
        "files": files_backups_of(context),
        "sftp": files_backups_of(context) and sftp_of(context),
    }
    wanted = [f"__backup_{kind}_packages" for kind, declared in kinds.items() if declared]
    variables = _role_variables("backup")
    return [name for key in ["__backup_packages", *wanted] for name in variables[key]] if wanted else []


def roles_of(groups: frozenset[str]) -> list[str]:
    """Return the roles of site.yml's plays that a host with these groups takes part in."""
    roles = []
    for play in _site():
        if set(play.get("hosts", "").split(":")) & {"all", *groups}:
            roles += [entry["role"] for entry in play.get("roles", ())]
    return roles


@cache
def _site() -> list[dict[str, Any]]:
    plays: list[dict[str, Any]] = yaml.safe_load((bundle_root() / "site.yml").read_text())
    return plays


@cache
def _role_variables(role: str) -> dict[str, Any]:
    """Return a role's internal variables as they stand in its file, untemplated."""
    path: Path = bundle_root() / "roles" / role / "vars" / "main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}
