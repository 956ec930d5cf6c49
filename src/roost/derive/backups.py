"""How databases and files are backed up: the inputs of the role backup, and of postgresql what concerns backups.

Databases are backed up by the first host with databases, if it keeps some that Roost makes; files by each host that
has applications or sites.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roost.backup_secrets import ALERT_URL, HEARTBEAT_URL, PASSPHRASE, S3_KEY, S3_SECRET, SFTP_KEY
from roost.derive.context import Context, role_input
from roost.derive.data import local_databases
from roost.derive.elsewhere import dumped_databases
from roost.model import Backups, wanted_backups, wanted_database_backups
from roost.model.backups import S3, SFTP, Offsite
from roost.paths import project_root

STANZA = "main"
"""What pgBackRest calls the database server."""

DUMPS = "database"
"""The set of files with the dumps of databases elsewhere; no application can have this name."""

DUMPS_FOLDER = "/var/backups/roost/databases"
HTTPS_PORT = 443


def backups_of(context: Context) -> Backups | None:
    """Return what the stack says about backups; None if this host has none of databases to make."""
    return wanted_database_backups(context.stack) if context.is_first("database") else None


def files_backups_of(context: Context) -> Backups | None:
    """Return what the stack says about backups; None if this host has none of files to make."""
    return wanted_backups(context.stack) if any(map(context.plays, ("app", "worker", "web"))) else None


@role_input
def postgresql_archive_command(context: Context) -> str:
    return f"pgbackrest --stanza={STANZA} archive-push %p" if backups_of(context) else ""


@role_input
def postgresql_archive_directories(context: Context) -> list[dict[str, str]]:
    """Return where that command writes."""
    if backups_of(context) is None:
        return []
    return [{"path": f"/var/{place}/pgbackrest"} for place in ("lib", "spool", "log")]


@role_input
def backup_repositories(context: Context) -> list[dict[str, Any]]:
    """Return where backups are kept, with pgBackRest's number of each place."""
    if backups_of(context) is None:
        return []
    return [{"key": 1, "name": "local"}, *([{"key": 2, "name": "offsite"}] if _offsite(context) else [])]


@role_input
def backup_files(context: Context) -> list[dict[str, Any]]:
    """Return the sets of files: uploads to each application, dumps, and this host's own secrets and certificates."""
    if files_backups_of(context) is None:
        return []
    has_media = context.plays("app") or context.plays("worker")
    uploads = [
        {"name": app.name, "paths": [f"/srv/{app.name}/media"]} for app in context.apps if has_media and app.media
    ]
    dumps = [{"name": DUMPS, "paths": [DUMPS_FOLDER]}] if dumped_databases(context) else []
    return [*uploads, *dumps, {"name": "roost", "paths": ["/etc/roost", "/etc/letsencrypt"]}]


@role_input
def backup_files_repositories(context: Context) -> list[dict[str, str]]:
    """Return where files are backed up to."""
    if files_backups_of(context) is None:
        return []
    return [{"name": "local"}, *([{"name": "offsite"}] if _offsite(context) else [])]


@role_input
def backup_s3(context: Context) -> dict[str, Any]:
    s3 = _s3(context)
    if s3 is None:
        return {}
    endpoint, _, port = s3.endpoint.partition(":")
    return {
        "endpoint": endpoint,
        "port": int(port or HTTPS_PORT),
        "bucket": s3.bucket,
        "region": s3.region,
        "path": s3.path,
        "style": s3.style,
    }


@role_input
def backup_s3_ca_file(context: Context, inventory_dir: str) -> str:
    s3 = _s3(context)
    return str(project_root(Path(inventory_dir)) / s3.ca) if s3 and s3.ca else ""


@role_input
def backup_project(context: Context, inventory_dir: str) -> str:
    """Return the folder of the environment for one host alone: all would copy the same."""
    return inventory_dir if _offsite(context) and _first_files(context) else ""


@role_input
def backup_passphrase(context: Context, vault_backups: Mapping[str, str]) -> str:
    return str(vault_backups[PASSPHRASE]) if _any_of(context) else ""


@role_input
def backup_s3_key(context: Context, vault_backups: Mapping[str, str]) -> str:
    return str(vault_backups[S3_KEY]) if _s3(context) else ""


@role_input
def backup_s3_secret(context: Context, vault_backups: Mapping[str, str]) -> str:
    return str(vault_backups[S3_SECRET]) if _s3(context) else ""


@role_input
def backup_sftp(context: Context) -> dict[str, Any]:
    sftp = sftp_of(context)
    return sftp.model_dump() if sftp else {}


@role_input
def backup_sftp_key(context: Context, vault_backups: Mapping[str, str]) -> str:
    return str(vault_backups[SFTP_KEY]) if sftp_of(context) else ""


@role_input
def backup_heartbeat_url(context: Context, vault_backups: Mapping[str, str]) -> str:
    """Return it for one host alone: if two told that they are well, nobody would miss one of them."""
    backups = backups_of(context) or (None if wanted_database_backups(context.stack) else _first_files(context))
    return str(vault_backups[HEARTBEAT_URL]) if backups and backups.heartbeat else ""


@role_input
def backup_alert_url(context: Context, vault_backups: Mapping[str, str]) -> str:
    backups = _any_of(context)
    return str(vault_backups[ALERT_URL]) if backups and backups.alert else ""


@role_input
def backup_at(context: Context) -> str:
    return _declared(context).at


@role_input
def backup_full_every_days(context: Context) -> int:
    return _declared(context).full_every_days


@role_input
def backup_keep_daily(context: Context) -> int:
    return _declared(context).keep.daily


@role_input
def backup_keep_weekly(context: Context) -> int:
    return _declared(context).keep.weekly


@role_input
def backup_keep_monthly(context: Context) -> int:
    return _declared(context).keep.monthly


@role_input
def backup_dumps(context: Context) -> int:
    return _declared(context).dumps


@role_input
def backup_drill_day(context: Context) -> str:
    """Return `Mon` to `Sun`, as cron and systemd know it; empty if no drill begins by itself."""
    day = _declared(context).drill.day
    return "" if backups_of(context) is None or day == "never" else day[:3].title()


@role_input
def backup_drill_at(context: Context) -> str:
    return _declared(context).drill.at


@role_input
def backup_drill_memory_mb(context: Context) -> int:
    return _declared(context).drill.memory_mb


@role_input
def backup_assertions(context: Context) -> list[dict[str, Any]]:
    """Return what must be true of each restored database."""
    if backups_of(context) is None:
        return []
    return [
        {"database": database.name, "sql": list(database.assertions)}
        for _, database in local_databases(context)
        if database.assertions
    ]


def _offsite(context: Context) -> Offsite | None:
    backups = _any_of(context)
    return backups.offsite if backups else None


def _s3(context: Context) -> S3 | None:
    offsite = _offsite(context)
    return offsite.s3 if offsite else None


def sftp_of(context: Context) -> SFTP | None:
    offsite = _offsite(context)
    return offsite.sftp if offsite else None


def _any_of(context: Context) -> Backups | None:
    return backups_of(context) or files_backups_of(context)


def _first_files(context: Context) -> Backups | None:
    return (
        files_backups_of(context) if context.is_first("app" if context.topology.members("app") else "worker") else None
    )


def _declared(context: Context) -> Backups:
    """What the stack says, or the defaults where nothing is backed up and nobody asks."""
    return _any_of(context) or Backups()
