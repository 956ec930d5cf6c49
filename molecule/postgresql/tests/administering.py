"""The SQL of the administrator and of applications on the hosts of this scenario, and its role once more."""

import shlex
import subprocess
from typing import Any

from testinfra.host import Host

from tests.support.scenario import play


def administer(host: Host, sql: str, database: str = "postgres") -> str:
    """What the administrator's SQL prints; each line is a statement of its own if it ends with a semicolon."""
    feed = f"printf %s {shlex.quote(sql)} | runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database}"
    return str(host.check_output(f"cd / && {feed}"))


def connect(  # noqa: PLR0913 - only the options need not be given
    host: Host, sql: str, role: str, password: str, database: str, *, options: str = ""
) -> tuple[int, str]:
    """psql's exit code and output, as an application on the host connects; `options` are those of the session."""
    arguments = f"-XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -U {role} -d {database} -c {shlex.quote(sql)}"
    result = host.run(f"PGOPTIONS={shlex.quote(options)} PGPASSWORD={shlex.quote(password)} psql {arguments}")
    return result.rc, (result.stdout + result.stderr).strip()


def converge(host: Host, **extra: Any) -> subprocess.CompletedProcess[str]:
    """Run the scenario's role once more."""
    return play(host, "role.yml", **extra)
