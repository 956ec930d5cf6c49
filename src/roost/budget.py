"""How many database connections the declared processes can open at most, and how many PostgreSQL must have for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from roost.model import AUTO_WORKERS_MAX, POOL_SIZE, ResolvedApp, ResolvedPooler
from roost.topology import Topology

CONNECTION_RESERVE = 10
"""Connections kept free for release commands, backups, monitoring and an administrator."""

UVICORN_CONNECTIONS = 5
"""What one uvicorn worker may open: the size of SQLAlchemy's pool and enough for Django's threads."""

RELEASES_SIDE_BY_SIDE = 2
"""While a release is switched, the old and the new one run together, web processes and workers alike."""

SMALLEST_POOL = 5
"""Transactions take turns, but an application with fewer connections than this waits too often."""

MIN_CONNECTIONS = 100
"""PostgreSQL's own default."""


@dataclass(frozen=True)
class Connections:
    """The most connections one application can have open at once, over all hosts, and its pooler if it has one."""

    app: str
    web: int
    celery: int
    pooler: ResolvedPooler | None = None

    @property
    def opened(self) -> int:
        """What its processes open, to the pooler or to PostgreSQL."""
        return self.web + self.celery

    @property
    def needed(self) -> int:
        """The fewest connections of PostgreSQL with which it works."""
        return min(self.useful, SMALLEST_POOL) if self._shrinks else self.useful

    @property
    def useful(self) -> int:
        """The most connections of PostgreSQL that are given to it."""
        if self.pooler is None:
            return self.opened
        return min(self.opened, self.pooler.size or (POOL_SIZE if self._shrinks else self.opened))

    @property
    def _shrinks(self) -> bool:
        return self.pooler is not None and self.pooler.mode == "transaction" and self.pooler.size is None


def connections_of(app: ResolvedApp, topology: Topology) -> Connections:
    """Count an application's connections; none if it has no database on a server of Roost's."""
    if app.database is None or app.database.elsewhere:
        return Connections(app.name, 0, 0)
    workers = AUTO_WORKERS_MAX if app.web.workers == "auto" else app.web.workers
    for_each = UVICORN_CONNECTIONS if app.web.asynchronous else app.web.threads
    web = workers * for_each * RELEASES_SIDE_BY_SIDE * len(topology.members("app"))
    if app.celery is None:
        return Connections(app.name, web, 0, app.database.pooler)
    processes = sum(pool.concurrency for pool in app.celery.pools) * RELEASES_SIDE_BY_SIDE
    pools = processes * len(topology.members("worker"))
    return Connections(app.name, web, pools + app.celery.beat, app.database.pooler)


def connections_needed(counts: Iterable[Connections]) -> int:
    """The smallest max_connections that can't run out, including the reserve."""
    return sum(count.needed for count in counts) + CONNECTION_RESERVE


def connections_allowed(counts: Iterable[Connections], declared: int | None) -> int:
    """The declared max_connections, or one that all processes and pools together can't reach."""
    return declared or max(MIN_CONNECTIONS, sum(count.useful for count in counts) + CONNECTION_RESERVE)


def pool_sizes(counts: Iterable[Connections], limit: int) -> Mapping[str, int]:
    """Share `limit` connections, less the reserve: each application gets what it needs, then an equal part of the rest.

    No application gets more than it has a use for.
    """
    counts = sorted(counts, key=lambda count: count.useful - count.needed)
    left = max(0, limit - connections_needed(counts))
    sizes = {}
    for place, count in enumerate(counts):
        more = min(count.useful - count.needed, left // (len(counts) - place))
        sizes[count.app] = count.needed + more
        left -= more
    return sizes
