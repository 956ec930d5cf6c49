"""Names that are already spoken for on a server."""

HOST_GROUPS = ("web", "app", "worker", "database", "cache", "broker", "receiver", "monitoring", "control")

_SYSTEM_USERS = """
    adm audio avahi backup bin bluetooth cdrom colord crontab daemon dialout dip disk docker fax floppy ftp
    games gnats input irc kmem kvm list lp lxd mail man messagebus mysql news nobody nogroup operator
    plugdev polkitd proxy render root sasl sgx shadow src staff sudo sync sys syslog systemd tape tcpdump
    tss tty users utmp uucp uuidd video voice wheel
"""
_SERVICES = """
    acme_dns alertmanager apache2 apt backups celery certbot chrony cron dbus exim4 fail2ban flower getty haproxy
    journald keepalived login logrotate networkd networking nftables nginx ntp pgbouncer pgbackrest postfix postgres
    postgresql prometheus rabbitmq redis redis_server resolved roost rsync rsyslog ssh sshd supervisor
    supervisord timesyncd udev ufw unattended_upgrades valkey vector
"""
_WORDS = "all default false localhost none null self true ungrouped"

SYSTEM_NAMES = frozenset(f"{_SYSTEM_USERS} {_SERVICES} {_WORDS}".split()) | frozenset(HOST_GROUPS)

DATABASE_NAMES = frozenset(
    {"postgres", "template0", "template1", "replication", "all", "sameuser", "samerole", "public"}
)

ENVIRONMENT_SET_BY_ROOST = frozenset(
    {
        "ALLOWED_HOSTS",
        "APPLICATION_SOCKET",
        "APP_RELEASE",
        "CELERY_BROKER_URL",
        "CELERY_RESULT_BACKEND",
        "CELERY_TASK_ACKS_LATE",
        "CELERY_TASK_REJECT_ON_WORKER_LOST",
        "CELERY_TASK_SOFT_TIME_LIMIT",
        "CELERY_TASK_TIME_LIMIT",
        "CELERY_VISIBILITY_TIMEOUT",
        "CELERY_WORKER_PREFETCH_MULTIPLIER",
        "CSRF_TRUSTED_ORIGINS",
        "DATABASE_URL",
        "DJANGO_SETTINGS_MODULE",
        "HOME",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "MEDIA_ROOT",
        "PATH",
        "REDIS_URL",
        "SHELL",
        "STATIC_ROOT",
        "USER",
        "VIRTUAL_ENV",
    }
)

SETTINGS_OWNED_BY_ROOST = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "max_connections",
        "port",
        "unix_socket_directories",
    }
)

SERVICE_PORTS = {80: "nginx", 443: "nginx", 5432: "PostgreSQL", 6379: "Redis", 6432: "PgBouncer"}
