"""psql as an administrator runs it: of the server of this host, or of one elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.url import connection

PRINTING = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--no-password")
STOPPING = ("--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")
TERSE = "-c client_min_messages=warning"
# What the log keeps must not contain verifiers. Only a superuser may say so.
UNLOGGED = f"{TERSE} -c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic"
PATIENCE_SECONDS = "10"


class PsqlError(Exception):
    """psql ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Psql:
    """How psql reaches a server. `home` is the database that it connects to first; `login` are libpq's variables."""

    command: tuple[str, ...]
    home: str
    login: dict[str, str] = field(default_factory=dict)
    options: str = TERSE

    def run(self, module: AnsibleModule, script: str) -> str:
        """Return what psql printed for the script.

        The script travels by standard input: it may hold verifiers. Raises PsqlError.
        """
        variables = {**self.login, "PGOPTIONS": self.options, "LC_ALL": "C.UTF-8"}
        command = [*self.command, *PRINTING, *STOPPING]
        code, out, err = module.run_command(command, data=script, cwd="/", environ_update=variables)
        if code != 0:
            raise PsqlError(err.strip())
        return str(out)

    def logs_in(self, module: AnsibleModule, role: str, password: str, database: str) -> bool:
        """Tell whether a role gets into a database with this password."""
        login = {**self.login, "PGUSER": role, "PGPASSWORD": password, "PGDATABASE": database}
        try:
            Psql(self.command, database, login).run(module, "SELECT;")
        except PsqlError:
            return False
        return True


def of_this_host(psql: str, port: int) -> Psql:
    """Return psql as the system user postgres on the local socket."""
    where = ("--host=/var/run/postgresql", f"--port={port}", "--dbname=postgres")
    return Psql((*AS_POSTGRES, psql, *where), "postgres", options=UNLOGGED)


def of_server(psql: str, admin_url: str) -> Psql:
    """Return psql as the administrator of a server elsewhere."""
    login = {"PGCONNECT_TIMEOUT": PATIENCE_SECONDS, **connection(admin_url)}
    return Psql((psql,), login.get("PGDATABASE", "postgres"), login)
