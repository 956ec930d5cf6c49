"""What a stack says about certificates: whom to ask for them and how."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from roost.model.values import HTTPS_URL, Declared, LocalPath, Matches, shown, unique

LETS_ENCRYPT = {
    "production": "https://acme-v02.api.letsencrypt.org/directory",
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""The directories of Let's Encrypt, by the words that a stack may use for them."""


def _plain_value(value: str) -> str:
    if any(not character.isprintable() or character == '"' for character in value):
        raise ValueError("The value must be one line without quotation marks.")
    return value


AcmeDirectory = Annotated[
    str,
    Matches(
        rf"(production|staging|{HTTPS_URL})",
        "production, staging or an https:// URL with a path, such as https://acme.example.com/directory",
    ),
]
AcmeSetting = Annotated[
    str, Matches(r"[a-z][a-z0-9_]{0,40}", "the name of a setting such as server, without the prefix dns_rfc2136_")
]
AcmeSettingValue = Annotated[str, AfterValidator(_plain_value)]


class AcmeDns(Declared):
    """Access to your DNS, for the challenges that prove a domain yours without a web server, wildcards included."""

    plugin: Literal["cloudflare", "digitalocean", "dnsimple", "gehirn", "linode", "ovh", "rfc2136", "sakuracloud"] = (
        Field(description="certbot's plugin for your DNS: `cloudflare`, `rfc2136` (for BIND and others), ...")
    )
    settings: dict[AcmeSetting, AcmeSettingValue] = Field(
        default={},
        description="What its credentials file holds, without the prefix `dns_<plugin>_`: "
        "`{server: 192.0.2.53, name: roost., algorithm: HMAC-SHA512}`.",
    )
    secrets: Annotated[list[AcmeSetting], AfterValidator(unique)] = Field(
        default=[],
        description="What of it is in the vault, such as `[secret]` or `[api_token]`; "
        "set with `roost secrets set acme_dns NAME`.",
    )
    propagation_seconds: int = Field(
        default=60, ge=0, le=3600, description="Seconds until all servers of your DNS know a new record."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        for name in self.secrets:
            if name in self.settings:
                raise ValueError(f"{shown(name)} is both a setting and a secret: remove it from settings.")
        return self


class Certificate(Declared):
    """The certificate of an application: what an authority is asked for, or a file of your own."""

    file: LocalPath | None = Field(
        default=None,
        description="A certificate of your own: a PEM file on this machine, yours first, then those that issued it. "
        "Its key is set with `roost secrets set APP certificate_key <private.key`, unless `key_file` says where it is.",
    )
    key_file: LocalPath | None = Field(
        default=None, description="The key of that file: a PEM file on this machine, outside of this project."
    )
    key: Literal["ecdsa", "rsa"] = Field(
        default="ecdsa", description="The kind of key: `ecdsa` (P-256), or `rsa` (3072 bits) for very old clients."
    )
    challenge: Literal["http", "dns"] | None = Field(
        default=None,
        description="How the authority is shown that the domains are yours: through port 80, or by `acme_dns`, which "
        "wildcards need. `http` if not given and there is no wildcard.",
    )

    @model_validator(mode="after")
    def _own_or_asked_for(self) -> Self:
        if self.file is None and self.key_file is not None:
            raise ValueError("key_file is for a certificate of your own: say file beside it.")
        for name in ("key", "challenge"):
            if self.file is not None and name in self.model_fields_set:
                raise ValueError(f"{name} is for an authority, and file is your own certificate: remove one of them.")
        return self
