"""The administrator's SQL on the hosts of this scenario."""

import shlex

from testinfra.host import Host


def administer(host: Host, sql: str, database: str = "postgres") -> str:
    """What the administrator's SQL prints; each line is a statement of its own if it ends with a semicolon."""
    feed = f"printf %s {shlex.quote(sql)} | runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database}"
    return str(host.check_output(f"cd / && {feed}"))
