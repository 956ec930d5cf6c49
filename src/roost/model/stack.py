"""The whole stack."""

from pydantic import Field

from roost.model.app import App
from roost.model.edge import Edge
from roost.model.server import DEFAULT_TIMEZONE, AdminUser, Firewall, KnownTimezone, Postgresql, Redis, Ssh
from roost.model.values import Declared, Email, HttpsUrl, TlsKind


class Stack(Declared):
    """The mapping `stack:` of `group_vars/all/stack.yml`."""

    acme_email: Email | None = Field(
        default=None,
        description="Where Let's Encrypt sends warnings. Needed unless all certificates are self-signed.",
    )
    acme_directory: HttpsUrl | None = Field(
        default=None, description="The directory URL of another ACME authority; Let's Encrypt's if not given."
    )
    tls: TlsKind = Field(
        default="auto",
        description="The kind of certificates: `letsencrypt`, `selfsigned`, or `auto`: Let's Encrypt (or "
        "`acme_directory`) unless a domain can't be public.",
    )
    admin_users: list[AdminUser] = Field(default=[], description="People who may log in to every server and use sudo.")
    timezone: KnownTimezone = Field(default=DEFAULT_TIMEZONE, description="The time zone of the servers.")
    ssh: Ssh = Field(default=Ssh(), description="How the servers are reached.")
    firewall: Firewall = Field(default=Firewall(), description="What may come in besides the services' own ports.")
    edge: Edge = Field(default=Edge(), description="TLS of all sites.")
    postgresql: Postgresql = Field(default=Postgresql(), description="The database server.")
    redis: Redis = Field(default=Redis(), description="The cache and message broker.")
    apps: list[App] = Field(min_length=1, description="The applications.")
