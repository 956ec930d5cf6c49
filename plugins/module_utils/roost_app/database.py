"""An application's PostgreSQL database, reached with the application's own credentials."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.roost_app.commands import run, run_in_release
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_backup.url import connection, is_url

# Whom a migration may have waited for: sessions with locks on tables. What those of other users do stays hidden, and a
# second login sees its own only as itself.
_HOLDERS = """
    SET ROLE NONE;
    SELECT format('process %s (%s%s) holds locks on %s', a.pid, coalesce(nullif(a.application_name, ''), a.usename),
        ', ' || a.state || ' in a transaction of ' || extract(epoch FROM now() - a.xact_start)::int || ' s',
        string_agg(DISTINCT c.relname, ', '))
    FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
    WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND c.relkind IN ('r', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace AND a.pid <> pg_backend_pid()
    GROUP BY a.pid, a.application_name, a.usename, a.state, a.xact_start
    ORDER BY a.xact_start LIMIT 3
"""


def database_url(paths: AppPaths, release: Path) -> str:
    """Return the URL of the application's database, "" if it has none."""
    return run_in_release('printf %s "${DATABASE_URL-}"', release, paths)


def environment_of(url: str) -> dict[str, str]:
    """Return the variables by which PostgreSQL's programs reach the database."""
    if not is_url(url):
        raise ReleaseError("DATABASE_URL is no postgresql:// URL")
    return connection(url)


def lock_holders(paths: AppPaths, release: Path) -> list[str]:
    """Return a line for each session that holds locks on tables; none if they can't be asked for."""
    command = ["psql", "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", "--command", _HOLDERS]
    try:
        found = run(command, environment=environment_of(database_url(paths, release)))
    except (ReleaseError, OSError):
        return []
    return found.splitlines()


def dump(paths: AppPaths, release: Path, name: str, *, keep: int, lock_timeout: int) -> Path:
    """Dump the whole database in pg_dump's custom format, as `name`, and remove all but the `keep` newest dumps.

    A dump that fails, or can't be read again, raises ReleaseError and leaves nothing behind.
    """
    paths.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in paths.backups.glob(".*.part"):
        left_over.unlink()
    file, staged = paths.backups / name, paths.backups / f".{name}.part"
    # Without it, pg_dump would wait for a lock without end.
    patience = [f"--lock-wait-timeout={lock_timeout}s"] if lock_timeout else []
    try:
        variables = environment_of(database_url(paths, release))
        staged.touch(mode=0o600)
        run(["pg_dump", "--format=custom", "--no-password", *patience, f"--file={staged}"], environment=variables)
        run(["pg_restore", "--list", str(staged)])
        _sync(staged)
        staged.rename(file)
    except (ReleaseError, OSError) as problem:
        staged.unlink(missing_ok=True)
        raise ReleaseError(f"the database can't be backed up: {problem}") from None
    for old in sorted(paths.backups.glob("*.dump"))[:-keep]:
        old.unlink()
    return file


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
