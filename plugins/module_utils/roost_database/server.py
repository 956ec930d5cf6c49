"""The server as a whole: its limits, what keeps VACUUM from working, and each database seen from outside."""

from __future__ import annotations

from ansible.module_utils.roost_database.asking import rows_of

# Writes stop three million transactions before the oldest one would be in the future.
LAST_XID = 2**31 - 1 - 3_000_000
SESSIONS_SHOWN = 5

SLOTS = """
    SELECT slot_name AS name, slot_type AS kind, database, active, wal_status AS state,
        coalesce(pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn
        ), 0)::bigint AS held_bytes
    FROM pg_replication_slots WHERE restart_lsn IS NOT NULL OR wal_status = 'lost' ORDER BY held_bytes DESC
"""
PREPARED = """
    SELECT gid AS name, database, extract(epoch FROM now() - prepared)::bigint AS seconds
    FROM pg_prepared_xacts ORDER BY prepared
"""
OLDEST = f"""
    SELECT datname AS database, age(datfrozenxid) AS age, {LAST_XID} - age(datfrozenxid) AS left
    FROM pg_database ORDER BY age DESC LIMIT 1
"""
SESSIONS = f"""
    SELECT pid, usename AS role, application_name AS application, state,
        extract(epoch FROM clock_timestamp() - xact_start)::bigint AS transaction_seconds,
        extract(epoch FROM clock_timestamp() - state_change)::bigint AS state_seconds
    FROM pg_stat_activity AS session
    WHERE session.datid = database.oid AND backend_type = 'client backend' AND xact_start IS NOT NULL
        AND pid <> pg_backend_pid()
    ORDER BY xact_start LIMIT {SESSIONS_SHOWN}
"""
DATABASES = f"""
    SELECT database.datname AS name, pg_database_size(database.oid) AS bytes, numbackends AS connections,
        blks_hit AS blocks_hit, blks_read AS blocks_read,
        extract(epoch FROM now() - stats_reset)::bigint AS counted_seconds,
        age(datfrozenxid) AS xid_age, {LAST_XID} - age(datfrozenxid) AS xid_left,
        {rows_of(SESSIONS)} AS sessions
    FROM pg_database AS database JOIN pg_stat_database AS counted ON counted.datid = database.oid
    WHERE {{which}} ORDER BY database.datname
"""


def question(connections: str, which: str) -> str:
    """Return a query for the state of the server, with SQL for the number of its connections and which databases."""
    return f"""
        SELECT json_build_object(
            'version', current_setting('server_version_num')::int / 10000,
            'connections', ({connections}) - 1,
            'max_connections', current_setting('max_connections')::int,
            'autovacuum', current_setting('autovacuum')::bool,
            'autovacuum_freeze_max_age', current_setting('autovacuum_freeze_max_age')::int,
            'oldest_xid', (SELECT row_to_json(found) FROM ({OLDEST}) AS found),
            'slots', {rows_of(SLOTS)},
            'prepared', {rows_of(PREPARED)},
            'databases', {rows_of(DATABASES.format(which=which))})
    """


SERVER = question(
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    "datallowconn AND database.datname <> 'template1'",
)
# Without rights to see them, sessions of other roles have no type, and databases no size.
SERVER_ELSEWHERE = question(
    "SELECT coalesce(sum(numbackends), 0) FROM pg_stat_database", "database.datname = current_database()"
)
