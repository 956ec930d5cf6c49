"""The whole stack."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from roost.model.app import App
from roost.model.backups import Backups
from roost.model.certificates import AcmeDirectory, AcmeDns
from roost.model.edge import Edge
from roost.model.server import DEFAULT_TIMEZONE, AdminUser, Firewall, KnownTimezone, Postgresql, Redis, Ssh
from roost.model.values import DatabaseName, Declared, Email, LocalPath, TlsKind, switch, unique


class Stack(Declared):
    """The mapping `stack:` of `group_vars/all/stack.yml`."""

    acme_email: Email | None = Field(
        default=None,
        description="Where Let's Encrypt sends warnings. Needed unless all certificates are self-signed.",
    )
    acme_directory: AcmeDirectory = Field(
        default="production",
        description="Let's Encrypt's `production`, its `staging` (whose certificates no browser trusts, to try things "
        "out), or the directory URL of another ACME authority.",
    )
    acme_ca: LocalPath | None = Field(
        default=None,
        description="A file on this machine with the authorities by which to trust that server, if the system doesn't.",
    )
    acme_dns: AcmeDns | None = Field(default=None, description="Access to your DNS, for wildcards.")
    acme_preflight: bool = Field(
        default=True,
        description="Whether each host tries out the challenges before the authority does, which counts failures. "
        "`false` if hosts can't reach themselves at their public address.",
    )
    tls: TlsKind = Field(
        default="auto",
        description="The kind of certificates: `letsencrypt` (or another `acme_directory`), `selfsigned`, or `auto`: "
        "self-signed if Let's Encrypt is asked and a domain can't be public.",
    )
    admin_users: list[AdminUser] = Field(default=[], description="People who may log in to every server and use sudo.")
    timezone: KnownTimezone = Field(default=DEFAULT_TIMEZONE, description="The time zone of the servers.")
    ssh: Ssh = Field(default=Ssh(), description="How the servers are reached.")
    firewall: Firewall = Field(default=Firewall(), description="What may come in besides the services' own ports.")
    edge: Edge = Field(default=Edge(), description="TLS of all sites.")
    postgresql: Postgresql = Field(default=Postgresql(), description="The database server.")
    backups: Annotated[Backups | None, BeforeValidator(switch, json_schema_input_type=bool | Backups)] = Field(
        default=Backups(),
        description="Backups of databases that Roost makes and of uploads: true, false or details. True if not given.",
    )
    removed_databases: Annotated[list[DatabaseName], AfterValidator(unique)] = Field(
        default=[],
        description="Databases that no application has any more. With their owners of the same names they are removed, "
        "after a last dump, by `roost up --remove-databases`; without it, a run only tells of them.",
    )
    redis: Redis = Field(default=Redis(), description="The cache and message broker.")
    apps: list[App] = Field(min_length=1, description="The applications.")
