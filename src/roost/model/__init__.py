"""The stack: what a user declares about applications and servers (see docs/stack.md)."""

from roost.model.app import (
    AUTO_WORKERS_MAX,
    DEFAULT_THREADS,
    POOL_SIZE,
    App,
    Celery,
    Database,
    Pool,
    Python,
    Source,
    Web,
)
from roost.model.backups import Backups
from roost.model.edge import Limits, Location
from roost.model.parse import Mistake, check_stack, parse_stack, plain
from roost.model.resolve import (
    GENERATED_SECRET,
    ResolvedApp,
    ResolvedCelery,
    ResolvedDatabase,
    ResolvedFrontend,
    ResolvedPool,
    ResolvedPooler,
    ResolvedWeb,
    can_be_public,
    resolve,
    resolved_apps,
    runtime_role_of,
    wanted_backups,
    wanted_database_backups,
    wanted_dumps,
)
from roost.model.server import AdminUser, FirewallRule
from roost.model.stack import Stack

__all__ = [
    "AUTO_WORKERS_MAX",
    "DEFAULT_THREADS",
    "GENERATED_SECRET",
    "POOL_SIZE",
    "AdminUser",
    "App",
    "Backups",
    "Celery",
    "Database",
    "FirewallRule",
    "Limits",
    "Location",
    "Mistake",
    "Pool",
    "Python",
    "ResolvedApp",
    "ResolvedCelery",
    "ResolvedDatabase",
    "ResolvedFrontend",
    "ResolvedPool",
    "ResolvedPooler",
    "ResolvedWeb",
    "Source",
    "Stack",
    "Web",
    "can_be_public",
    "check_stack",
    "parse_stack",
    "plain",
    "resolve",
    "resolved_apps",
    "runtime_role_of",
    "wanted_backups",
    "wanted_database_backups",
    "wanted_dumps",
]
