"""The URLs of databases elsewhere, and of the roles that Roost makes on a server elsewhere."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

DATABASE_URL = (
    r"postgres(ql)?://[A-Za-z0-9._~%!*-]+(:[A-Za-z0-9._~%!*-]*)?@[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9_-]+"
    r"(\?[A-Za-z0-9_=&.%/-]*)?"
)
NO_DATABASE_URL = "The URL must look like postgresql://user:password@host:5432/name (special characters as %41)"

ENCRYPTED = {"sslmode": "require"}
"""What a connection has that Roost makes through networks of others, unless the URL says otherwise."""

_QUERY = ("sslmode", "sslrootcert", "channel_binding", "connect_timeout")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True)
class Server:
    """A server and the login of its administrator, who connects to `database` first."""

    user: str
    password: str
    address: str
    database: str
    query: dict[str, str]

    def url(self, role: str, password: str, database: str) -> str:
        """Return with which URL a role reaches a database there."""
        login = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@{self.address}/{database}?{urlencode(self.query, safe='/')}"

    def admin_url(self, database: str = "") -> str:
        """Return with which URL the administrator reaches a database there, that of the URL if none is named."""
        return self.url(self.user, self.password, database or self.database)


def server_of(admin_url: str) -> Server:
    """Read the URL of an administrator, which must be one."""
    parts = urlsplit(admin_url)
    return Server(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        address=parts.netloc.rpartition("@")[2],
        database=unquote(parts.path.removeprefix("/")),
        query=ENCRYPTED | dict(parse_qsl(parts.query)),
    )


def admin_url_problem(url: str) -> str:
    """Say, without showing it, why this can't be the URL of an administrator; empty if it can."""
    if not re.fullmatch(DATABASE_URL, url):
        return f"{NO_DATABASE_URL}."
    server = server_of(url)
    if not server.password:
        return (
            "The URL must have the administrator's password: postgresql://admin:password@db.example.com:5432/postgres."
        )
    unknown = [name for name in server.query if name not in _QUERY]
    if unknown:
        return f"The URL can't have the parameter {unknown[0]}; there are: {', '.join(_QUERY)}."
    if server.query["sslmode"] not in _SSL_MODES:
        return f"sslmode in the URL must be one of {', '.join(_SSL_MODES)}."
    return ""


def admin_url_conflict(url: str, database: str, roles: Collection[str | None]) -> str:
    """Say why the URL of an administrator doesn't fit an application's database and roles; empty if it does."""
    server = server_of(url)
    if server.database == database:
        return (
            f"The URL leads to {database}, which Roost makes: let it lead to a database that is there before, such as "
            "postgres or one of your provider's."
        )
    if server.user in roles:
        return f"The administrator {server.user} can't be a role of the application: give it another database.name."
    return ""
