"""What a stack says about the servers themselves."""

import zoneinfo
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from roost.model.reserved import SETTINGS_OWNED_BY_ROOST
from roost.model.values import AuthorizedKey, Declared, Matches, Name, Port, RuleName, Timezone, shown, unique
from roost.suggest import did_you_mean

DEFAULT_TIMEZONE = "Etc/UTC"


def _known_timezone(value: str) -> str:
    known = zoneinfo.available_timezones()
    if known and value not in known:
        raise ValueError(f"{shown(value)} is not a time zone such as Europe/Berlin.{did_you_mean(value, known)}")
    return value


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError(f"{shown(value)} must be an address or a network such as 192.0.2.0/24.") from None
    return value


def _port_or_range(value: Any) -> Any:
    allowed = 'must be a port from 1 to 65535, or a range in quotes like "8000-8010"'
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535:
        return value
    if isinstance(value, str):
        first, dash, last = value.partition("-")
        if dash and first.isdecimal() and last.isdecimal() and 1 <= int(first) < int(last) <= 65535:
            return value
    raise ValueError(f"{shown(str(value))} {allowed}.")


def _setting_value(value: Any) -> Any:
    """Settings are written as YAML has them and kept as PostgreSQL reads them."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return str(value)
    return value


def _settings(values: dict[str, str]) -> dict[str, str]:
    for name in values:
        if name in SETTINGS_OWNED_BY_ROOST:
            beside = " (say max_connections beside settings instead)" if name == "max_connections" else ""
            raise ValueError(f"{shown(name)} is set by Roost{beside}.")
    return values


KnownTimezone = Annotated[Timezone, AfterValidator(_known_timezone)]
PortOrRange = Annotated[
    int | str,
    BeforeValidator(_port_or_range),
    Field(json_schema_extra={"examples": [8080, "8000-8010"]}),
]
Network = Annotated[str, AfterValidator(_network)]
SettingName = Annotated[
    str, Matches(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", "the name of a PostgreSQL setting such as work_mem")
]
SettingValue = Annotated[
    str,
    BeforeValidator(_setting_value, json_schema_input_type=str | int | float | bool),
    Matches(r"[A-Za-z0-9 _.,:%/@+*$-]*", "one line of letters, digits, spaces and . , : % / @ + * $ _ -"),
]
PostgresqlVersion = Annotated[str, Matches(r"[1-9][0-9]", 'a major version in quotes such as "17"')]


class AdminUser(Declared):
    """A person who may log in to every server over ssh and use sudo."""

    name: Name = Field(description="The user's name on the servers.")
    authorized_keys: Annotated[list[AuthorizedKey], AfterValidator(unique)] = Field(
        min_length=1, description="The public ssh keys that may log in as this user."
    )


class Ssh(Declared):
    """How sshd is set up."""

    port: Port = Field(default=22, description="The port on which sshd listens.")


class FirewallRule(Declared):
    """One more opening in the firewall."""

    name: RuleName = Field(description="What the opening is for; appears as a comment in the rules.")
    port: PortOrRange = Field(description='A port, or a range in quotes like "8000-8010".')
    protocol: Literal["tcp", "udp"] = Field(default="tcp", description="The protocol.")
    sources: Annotated[list[Network], AfterValidator(unique)] = Field(
        default=[], description="Addresses or networks that may connect; an empty list means everyone."
    )


class Firewall(Declared):
    """What may come in besides what Roost opens for the services themselves."""

    allow: list[FirewallRule] = Field(default=[], description="More openings; everything else is refused.")


class Postgresql(Declared):
    """The limits and settings of PostgreSQL."""

    version: PostgresqlVersion | None = Field(
        default=None,
        description="The major version that is expected, in quotes; hosts whose release has another one are refused. "
        "Whichever they have, if not given: 15 on Debian 12, 17 on Debian 13.",
    )
    max_connections: int | None = Field(
        default=None,
        ge=20,
        le=5000,
        description="The limit of connections. Without it, computed from the web workers and Celery pools.",
    )
    memory_share: float = Field(
        default=0.25,
        gt=0,
        le=0.8,
        allow_inf_nan=False,
        description="The share of the host's memory that PostgreSQL plans with.",
    )
    disk: Literal["ssd", "hdd"] = Field(
        default="ssd", description="The kind of disk that holds the databases: solid state, or spinning."
    )
    settings: Annotated[dict[SettingName, SettingValue], AfterValidator(_settings)] = Field(
        default={}, description="Settings of postgresql.conf that override Roost's."
    )


class Redis(Declared):
    """The limits of Redis."""

    maxmemory_mb: int | None = Field(
        default=None,
        ge=16,
        le=1_048_576,
        description="The memory limit in MiB. Without it, a tenth of the host's memory.",
    )
    policy: Literal[
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ] = Field(
        default="volatile-lru",
        description="What Redis drops when the memory is full. "
        "The default spares Celery's messages, which never expire.",
    )
