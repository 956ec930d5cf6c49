"""How PostgreSQL's programs reach the database of a URL."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

# What of a URL's query libpq also reads from the environment.
_QUERY = {
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def is_url(text: str) -> bool:
    """Tell whether this is the URL of a database of PostgreSQL."""
    return urlsplit(text).scheme.startswith("postgres")


def connection(url: str) -> dict[str, str]:
    """Return the variables by which PostgreSQL's programs reach the database: an argument would show its password."""
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
        **{_QUERY[name]: value for name, value in parse_qsl(parts.query) if name in _QUERY},
    }
    return {name: value for name, value in given.items() if value}
