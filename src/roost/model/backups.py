"""What a stack says about the backups of its databases and uploads."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from roost.model.values import Declared, HostKey, LocalPath, Matches, shown, unique


def _not_too_long(value: str) -> str:
    if len(value) > 253:
        raise ValueError(f"{shown(value)} is longer than 253 characters.")
    return value


def _endpoint(value: str) -> str:
    name, _, port = value.partition(":")
    _not_too_long(name)
    if port and not 1 <= int(port) <= 65535:
        raise ValueError(f"{shown(value)} must have a port from 1 to 65535.")
    return value


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"({_LABEL}\.)*{_LABEL}"

TimeOfDay = Annotated[
    str, Matches(r"([01][0-9]|2[0-3]):[0-5][0-9]", 'a time in quotes from "00:00" to "23:59", such as "02:30"')
]
Endpoint = Annotated[
    str,
    Matches(
        rf"{_HOST}(:[0-9]{{1,5}})?",
        "a host name in lower case, perhaps with a port, such as s3.example.com or minio.example.com:9000",
    ),
    AfterValidator(_endpoint),
]
Bucket = Annotated[
    str,
    Matches(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "the name of a bucket: 3 to 63 of a-z, 0-9, . and -, the first and the last a letter or digit",
    ),
]
Region = Annotated[
    str, Matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "a region such as eu-central-1: letters, digits, - and _")
]
ServerName = Annotated[
    str,
    Matches(_HOST, "a host name in lower case or an address, such as backup.example.com"),
    AfterValidator(_not_too_long),
]
Account = Annotated[
    str,
    Matches(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", "the name of an account such as roost: letters, digits, . _ and -"),
]
PathThere = Annotated[
    str,
    Matches(
        r"(/|(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){1,8})",
        "an absolute path such as /roost: letters, digits, . _ - and /, without a slash at its end",
    ),
]


class S3(Declared):
    """A bucket of Amazon's S3 or of what speaks its protocol, reached over TLS."""

    endpoint: Endpoint = Field(
        description="The host name of the service, with its port if that isn't 443: `s3.eu-central-1.amazonaws.com`."
    )
    bucket: Bucket = Field(description="The bucket, which must exist. Roost needs to list, read, write and delete.")
    region: Region = Field(default="us-east-1", description="The region of the bucket; many services ignore it.")
    path: PathThere = Field(
        default="/roost",
        description="Where in the bucket the backups lie. Each environment needs a place of its own.",
    )
    style: Literal["host", "path"] = Field(
        default="host",
        description="How requests name the bucket: `host` before the endpoint's name, `path` behind it, which many "
        "servers of your own and buckets with a dot in their name need.",
    )
    ca: LocalPath | None = Field(
        default=None,
        description="A file on this machine with the authorities by which to trust the service, if the system doesn't.",
    )

    @model_validator(mode="after")
    def _name_for_buckets(self) -> Self:
        if self.style == "host" and re.fullmatch(r"[0-9.]+", self.endpoint.partition(":")[0]):
            raise ValueError("The endpoint is an address, before which no bucket can stand: say style: path.")
        return self


class SFTP(Declared):
    """A folder on another host, reached over ssh by SFTP; the account there needs no shell."""

    host: ServerName = Field(description="The host's name or address: `backup.example.com`.")
    port: int = Field(default=22, ge=1, le=65535, description="The port of its ssh server.")
    user: Account = Field(description="The account there. It must know the key that `roost backup-key` prints.")
    path: PathThere = Field(
        description="Where on the host the backups lie, as the account sees it. It must be able to write there. Each "
        "environment needs a place of its own."
    )
    host_keys: Annotated[list[HostKey], AfterValidator(unique)] = Field(
        min_length=1,
        description="All of the host's own keys, each as `ssh-ed25519 AAAA...`, by which the servers know it: what "
        "`ssh-keyscan` prints, without the name. Compare them with what the host's owner tells.",
    )


class Offsite(Declared):
    """A second place for every backup, away from the server: either `s3` or `sftp`."""

    s3: S3 | None = Field(
        default=None,
        description="A bucket. `roost secrets set backups s3_key` sets the access key, `s3_secret` its secret.",
    )
    sftp: SFTP | None = Field(
        default=None,
        description="A folder on another host. Databases can be backed up there from Debian 13 on, files from "
        "Debian 12 on, too.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [key for key in ("s3", "sftp") if getattr(self, key) is not None]
        if len(given) != 1:
            said = "not both" if given else "one is missing"
            raise ValueError(f"The place must be either s3 or sftp: {said}.")
        return self


class Keep(Declared):
    """How long backups are kept, in both places; one may count as several of these."""

    daily: int = Field(default=7, ge=1, le=366, description="Days of which the newest backup is kept.")
    weekly: int = Field(default=4, ge=1, le=520, description="Weeks of which the newest backup is kept.")
    monthly: int = Field(default=12, ge=0, le=120, description="Months of which the newest backup is kept.")


class Drill(Declared):
    """The weekly proof that the newest backup can be restored: it is, beside the live databases, and then removed."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "never"] = Field(
        default="sunday", description="The day of the week. `never` if only you start drills."
    )
    at: TimeOfDay = Field(default="04:30", description="When it begins, in the servers' time zone, in quotes.")
    memory_mb: int = Field(
        default=512, ge=64, le=1_048_576, description="The memory in MiB that the restored server may take."
    )


class Backups(Declared):
    """Backups of all databases that Roost makes, of every change since, and of uploads, encrypted."""

    at: TimeOfDay = Field(
        default="02:30",
        description="When the nightly backup begins, in the servers' time zone, in quotes; "
        "up to half an hour later by chance.",
    )
    full_every_days: int = Field(
        default=7,
        ge=1,
        le=31,
        description="Days from one full backup to the next; on the others, what differs from it is backed up.",
    )
    keep: Keep = Field(default=Keep(), description="How long backups are kept.")
    dumps: int = Field(
        default=2,
        ge=0,
        le=100,
        description="The newest dumps of each database that stay on the server, for a single table or row; 0 for none.",
    )
    offsite: Offsite | None = Field(
        default=None,
        description="A second place for every backup. Without one, what destroys the server destroys its backups, too.",
    )
    heartbeat: bool = Field(
        default=False,
        description="Whether a URL is fetched after each good run, for a service that notices when none comes; "
        "set with `roost secrets set backups heartbeat_url`.",
    )
    alert: bool = Field(
        default=False,
        description="Whether a webhook of Slack, or of what understands it, is told of each failure; "
        "set with `roost secrets set backups alert_url`.",
    )
    drill: Drill = Field(default=Drill(), description="The weekly proof that backups can be restored.")
