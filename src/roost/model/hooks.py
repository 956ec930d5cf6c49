"""What happens around a deploy besides it: commands at its points, a smoke test, and who is told."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from roost.model.values import Command, Declared, EnvironmentName, HealthPath, HttpsUrl, Matches, switch

POINTS = ("before_build", "after_build", "before_switch", "after_switch", "on_failure")
NOTICES = ("sentry", "slack", "webhook")

SecretName = EnvironmentName
Slug = Annotated[str, Matches(r"[a-z0-9][a-z0-9_-]{0,99}", "the short name that Sentry shows: a-z, 0-9, _ and -")]


class Hook(Declared):
    """A command at a point of a deploy."""

    run: Command = Field(description="The command.")
    where: Literal["release", "controller"] = Field(
        default="release",
        description="In the release on the first host, as the application's user; or on the machine that deploys.",
    )
    timeout: int = Field(default=300, ge=1, le=1800, description="Seconds after which it has failed.")


def _hook(value: Any) -> Any:
    """A text stands for a command with every default."""
    return {"run": value} if isinstance(value, str) else value


Commands = list[Annotated[Hook, BeforeValidator(_hook, json_schema_input_type=str | Hook)]]


class Notice(Declared):
    """Somebody who is told; its fields named in `SECRET_FIELDS` name secrets."""

    SECRET_FIELDS: ClassVar[tuple[str, ...]]

    @property
    def secrets(self) -> dict[str, str]:
        """The names of the secrets, by field."""
        return {field: name for field in self.SECRET_FIELDS if (name := getattr(self, field))}

    def from_vault(self, vault: Mapping[str, str]) -> dict[str, str]:
        """The secrets themselves, by field."""
        return {field: str(vault[name]) for field, name in self.secrets.items()}


class Sentry(Notice):
    """A release and its deploy in Sentry."""

    SECRET_FIELDS = ("token",)

    organization: Slug = Field(description="The organization.")
    project: Slug = Field(description="The project.")
    url: HttpsUrl = Field(default="https://sentry.io/", description="Sentry's address.")
    token: SecretName = Field(default="SENTRY_AUTH_TOKEN", description="The secret that is the token.")


class Slack(Notice):
    """A line in a channel of Slack, or of what understands its webhooks."""

    SECRET_FIELDS = ("url",)

    url: SecretName = Field(default="SLACK_WEBHOOK_URL", description="The secret that is the webhook's address.")


class Webhook(Notice):
    """The facts as JSON, sent by POST."""

    SECRET_FIELDS = ("url", "key")

    url: SecretName = Field(default="DEPLOY_WEBHOOK_URL", description="The secret that is its address.")
    key: SecretName | None = Field(
        default=None,
        description="The secret that signs the body: the header `X-Roost-Signature` is `sha256=` and its HMAC.",
    )


class Hooks(Declared):
    """What else happens in a deploy: see docs/hooks.md."""

    before_build: Commands = Field(default=[], description="Before the release is built, in the live release.")
    after_build: Commands = Field(default=[], description="After a release was built, in it.")
    before_switch: Commands = Field(default=[], description="In the release, before it goes live.")
    after_switch: Commands = Field(
        default=[], description="In the live release. One that fails brings the release before back."
    )
    on_failure: Commands = Field(default=[], description="After a deploy failed, in the release that serves.")
    smoke: list[HealthPath] = Field(
        default=[],
        description="Paths that must answer 2xx or 3xx through nginx, after the switch; otherwise the release before "
        "comes back.",
    )
    sentry: Sentry | None = Field(default=None, description="Tell Sentry of each release that goes live.")
    slack: Annotated[Slack | None, BeforeValidator(switch, json_schema_input_type=bool | Slack)] = Field(
        default=None, description="Tell a channel of what went live and what failed: true, or details."
    )
    webhook: Annotated[Webhook | None, BeforeValidator(switch, json_schema_input_type=bool | Webhook)] = Field(
        default=None, description="Tell a program of what went live and what failed: true, or details."
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that those who are told need."""
        declared = [notice for kind in NOTICES if (notice := getattr(self, kind))]
        return tuple(name for notice in declared for name in notice.secrets.values())
