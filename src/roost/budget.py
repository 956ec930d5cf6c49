"""How many database connections the declared processes can open at most."""

from collections.abc import Iterable
from dataclasses import dataclass

from roost.model import AUTO_WORKERS_MAX, ResolvedApp
from roost.topology import Topology

CONNECTION_RESERVE = 10
"""Connections kept free for release commands, backups, monitoring and an administrator."""

UVICORN_CONNECTIONS = 5
"""What one uvicorn worker may open: the size of SQLAlchemy's pool and enough for Django's threads."""

RELEASES_SIDE_BY_SIDE = 2
"""While a release is switched, the old and the new one run together."""


@dataclass(frozen=True)
class Connections:
    """The most connections one application can have open at once, over all hosts."""

    app: str
    web: int
    celery: int


def connections_of(app: ResolvedApp, topology: Topology) -> Connections:
    """Count an application's connections; none if it has no database of Roost's."""
    if app.database is None or app.database.url is not None:
        return Connections(app.name, 0, 0)
    workers = AUTO_WORKERS_MAX if app.web.workers == "auto" else app.web.workers
    for_each = UVICORN_CONNECTIONS if app.web.asynchronous else app.web.threads
    web = workers * for_each * RELEASES_SIDE_BY_SIDE * len(topology.members("app"))
    if app.celery is None:
        return Connections(app.name, web, 0)
    pools = sum(pool.concurrency for pool in app.celery.pools) * len(topology.members("worker"))
    return Connections(app.name, web, pools + app.celery.beat)


def connections_needed(apps: Iterable[ResolvedApp], topology: Topology) -> int:
    """The smallest max_connections that can't run out, including the reserve."""
    counts = [connections_of(app, topology) for app in apps]
    return sum(count.web + count.celery for count in counts) + CONNECTION_RESERVE
