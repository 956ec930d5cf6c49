"""Pure functions from the stack and the topology to the inputs of the roles.

Each is a filter of the same name (`roost_nginx_sites`); `playbooks/vars/wiring.yml` is where they are called.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

FILTERS = {
    "apps": (
        "app_names",
        "app_apps",
        "celery_apps",
        "celery_flower",
    ),
    "backups": (
        "backup_alert_url",
        "backup_assertions",
        "backup_at",
        "backup_drill_at",
        "backup_drill_day",
        "backup_drill_memory_mb",
        "backup_dumps",
        "backup_files",
        "backup_files_repositories",
        "backup_full_every_days",
        "backup_heartbeat_url",
        "backup_keep_daily",
        "backup_keep_monthly",
        "backup_keep_weekly",
        "backup_passphrase",
        "backup_project",
        "backup_repositories",
        "backup_s3",
        "backup_s3_ca_file",
        "backup_s3_key",
        "backup_s3_secret",
        "backup_sftp",
        "backup_sftp_key",
        "postgresql_archive_command",
        "postgresql_archive_directories",
    ),
    "certificates": (
        "certbot_ca_file",
        "certbot_certificates",
        "certbot_directory_url",
        "certbot_dns_plugin",
        "certbot_dns_propagation_seconds",
        "certbot_dns_settings",
        "certbot_email",
        "certbot_issuer_address",
        "certbot_own_certificates",
        "certbot_preflight",
        "certbot_shared",
        "nginx_acme_issuer",
        "nginx_tls_clients",
    ),
    "data": (
        "app_former_logins",
        "pgbouncer_clients",
        "pgbouncer_databases",
        "pgbouncer_listen_addresses",
        "pgbouncer_max_client_connections",
        "postgresql_databases",
        "postgresql_disk",
        "postgresql_former_logins",
        "postgresql_hba",
        "postgresql_listen_addresses",
        "postgresql_logins_in_use",
        "postgresql_max_connections",
        "postgresql_memory_share",
        "postgresql_removed_databases",
        "postgresql_removed_roles",
        "postgresql_roles",
        "postgresql_settings",
        "postgresql_version",
        "redis_bind",
        "redis_databases",
        "redis_maxmemory_mb",
        "redis_maxmemory_policy",
    ),
    "edge": (
        "nginx_passwords",
        "nginx_real_ip_header",
        "nginx_real_ip_networks",
        "nginx_sites",
        "nginx_tls_profile",
        "nginx_worker_connections",
    ),
    "elsewhere": (
        "backup_databases",
        "databases_examined",
        "databases_reached",
        "postgresql_elsewhere",
    ),
    "packages": ("packages_names",),
    "receiver": (
        "backup_restore_asks_receiver",
        "backup_restore_received",
        "backup_restore_received_names",
        "wal_receiver_host",
        "wal_receiver_password",
        "wal_receiver_server_release",
        "wal_receiver_tail_after",
        "wal_receiver_tail_system",
        "wal_sender_is_wanted",
    ),
    "server": (
        "base_admin_users",
        "base_timezone",
        "firewall_rules",
        "ssh_port",
    ),
}
"""The functions of each module. Their names are known without the modules, which take half a second to import."""


def find(name: str) -> Callable[..., Any]:
    """Return a function by its name."""
    module = next(module for module, names in FILTERS.items() if name in names)
    function: Callable[..., Any] = getattr(import_module(f"{__name__}.{module}"), name)
    return function


def load() -> None:
    """Import all modules, so that processes that are forked from this one have them."""
    for module in FILTERS:
        import_module(f"{__name__}.{module}")
