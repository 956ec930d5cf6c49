"""What a stack says about how the internet reaches its applications: what nginx does before it asks one of them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from roost.model.server import Network
from roost.model.values import (
    Declared,
    HeaderName,
    HeaderValue,
    Method,
    Name,
    NginxText,
    Origin,
    Rate,
    RelativePath,
    UrlPath,
    shown,
    unique,
)


class Headers(Declared):
    """Headers that tell browsers what pages may do; on every answer, unless the application sends its own."""

    content_security_policy: HeaderValue | None = Field(
        default=None, description="What pages may load and run, such as `default-src 'self'`; not sent if not given."
    )
    content_security_policy_report_only: HeaderValue | None = Field(
        default=None, description="The same on trial: browsers report what it would refuse, and refuse nothing."
    )
    permissions_policy: HeaderValue = Field(
        default="camera=(self), geolocation=(self), microphone=(self), payment=(self), usb=(self)",
        description="Which parts of a device pages may use; by default, its own, but none embedded in them.",
    )
    referrer_policy: Literal[
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ] = Field(
        default="strict-origin-when-cross-origin", description="What other sites learn about where a visitor came from."
    )
    cross_origin_opener_policy: Literal["same-origin", "same-origin-allow-popups", "unsafe-none"] = Field(
        default="same-origin-allow-popups", description="Which windows of other sites a page shares its own with."
    )
    x_frame_options: Literal["DENY", "SAMEORIGIN"] = Field(
        default="SAMEORIGIN", description="Whose pages may show the site in a frame."
    )


class Cors(Declared):
    """Other sites whose scripts may read the answers. Roost's headers are left out where the application sends some."""

    origins: Annotated[list[Origin], AfterValidator(unique)] = Field(
        min_length=1, description='The sites: `https://app.example.com`, or `"*"` for any, but without credentials.'
    )
    methods: Annotated[list[Method], AfterValidator(unique)] = Field(
        default=["GET", "HEAD", "POST"], min_length=1, description="The methods that they may use."
    )
    headers: Annotated[list[HeaderName], AfterValidator(unique)] = Field(
        default=["Authorization", "Content-Type"], description="The headers that they may send."
    )
    expose: Annotated[list[HeaderName], AfterValidator(unique)] = Field(
        default=[], description="The headers of an answer that they may read, besides the simple ones."
    )
    credentials: bool = Field(default=False, description="Whether they may send the cookies of this site.")
    max_age: int = Field(default=600, ge=0, le=86_400, description="Seconds that browsers remember the permission.")

    @model_validator(mode="after")
    def _any_site(self) -> Self:
        if "*" in self.origins and len(self.origins) > 1:
            raise ValueError('"*" already stands for every site: remove the others.')
        if "*" in self.origins and self.credentials:
            raise ValueError('Browsers send no credentials to "*": list the sites.')
        return self


class Limits(Declared):
    """How much one address may ask for; what is more is answered with status 429."""

    rate: Rate | None = Field(default=None, description="Requests: `20/s` or `300/m`; no limit if not given.")
    burst: int = Field(
        default=20,
        ge=0,
        le=10_000,
        description="Requests beyond the rate that are answered if they come at once.",
    )
    connections: int | None = Field(
        default=None, ge=1, le=10_000, description="Requests that may be open at the same time; no limit if not given."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.rate is None and self.connections is None:
            raise ValueError("Say a rate, such as 20/s, or a number of connections.")
        return self


class Location(Declared):
    """A part of the site that is treated in its own way."""

    path: UrlPath = Field(description="Its URL: `/api/` with all below it, or `/login` alone.")
    app: Name | None = Field(
        default=None,
        description="The other application that answers here, its uploads and static files below this URL included.",
    )
    limits: Limits | None = Field(
        default=None, description="Limits of its own, counted by themselves, instead of the application's."
    )
    max_body_mb: int | None = Field(
        default=None, ge=1, le=10_240, description="The largest upload in MiB; the application's if not given."
    )
    max_request_time: int | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="Seconds until nginx gives a request up; the application's if not given.",
    )
    buffer_uploads: bool = Field(
        default=True,
        description="Whether an upload is received as a whole first. If not, a slow one holds a worker meanwhile.",
    )
    allow: Annotated[list[Network], AfterValidator(unique)] = Field(
        default=[], description="Addresses or networks that may ask; an empty list means everyone."
    )
    password: bool = Field(
        default=False,
        description="Whether a password is asked for. The user is the application's name, "
        "`roost secrets show APP edge_password` shows the password.",
    )
    cache: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Seconds that nginx remembers answers to requests without cookies and credentials, unless their "
        "`Cache-Control` says otherwise; longer while the application fails.",
    )
    snippet: NginxText | None = Field(
        default=None, description="More directives for nginx, as they are; `nginx -t` checks them on the server."
    )


class Pages(Declared):
    """Pages of your own for what nginx says without asking the application: HTML files in the source."""

    unavailable: RelativePath | None = Field(
        default=None, description="The application does not answer (502, 504); a plain page if not given."
    )
    busy: RelativePath | None = Field(
        default=None, description="Somebody asked for more than `limits` allow (429); a plain page if not given."
    )
    forbidden: RelativePath | None = Field(
        default=None, description="`allow` or `waf` refuses somebody (403); nginx's own if not given."
    )
    too_large: RelativePath | None = Field(
        default=None, description="An upload is larger than `max_body_mb` (413); nginx's own if not given."
    )


class AppEdge(Declared):
    """How the internet reaches the application."""

    hsts: Literal["auto", "subdomains", "preload", "never"] = Field(
        default="auto",
        description="Whether browsers are told to use HTTPS only: `auto` for these domains if an authority signs their "
        "certificate, `subdomains` for all below them, too, `preload` also before the first visit, which can't be "
        "undone for months.",
    )
    headers: Headers = Field(default=Headers(), description="What pages may do.")
    cors: Cors | None = Field(default=None, description="Other sites whose scripts may read the answers.")
    limits: Limits | None = Field(
        default=None, description="How much one address may ask the application for; static files don't count."
    )
    waf: Literal["detect", "block"] | None = Field(
        default=None,
        description="ModSecurity with the core rules of OWASP: `detect` writes down what looks like an attack, `block` "
        "refuses it, too. Begin with `detect`: the rules take some honest requests for attacks. Off if not given.",
    )
    pages: Pages = Field(default=Pages(), description="Pages of your own for what nginx says by itself.")
    locations: list[Location] = Field(default=[], description="Parts of the site that are treated in their own way.")
    snippet: NginxText | None = Field(
        default=None,
        description="More directives for nginx in the site's HTTPS server, as they are.",
    )

    @property
    def asks_for_password(self) -> bool:
        """Whether some part of the site is behind a password."""
        return any(location.password for location in self.locations)


def _not_everyone(values: list[str]) -> list[str]:
    for value in values:
        if value.endswith("/0"):
            raise ValueError(f"{shown(value)} is everyone, and everyone could claim any address: name the networks.")
    return values


class TrustedProxies(Declared):
    """What stands in front of the servers, such as a CDN, and is believed whose request it passes on."""

    networks: Annotated[list[Network], AfterValidator(unique), AfterValidator(_not_everyone)] = Field(
        min_length=1, description="Its addresses or networks, as its operator publishes them."
    )
    header: HeaderName = Field(
        default="X-Forwarded-For", description="The header with the visitor's address, such as `CF-Connecting-IP`."
    )


class Edge(Declared):
    """How the internet reaches the servers."""

    tls_profile: Literal["intermediate", "modern"] = Field(
        default="intermediate",
        description="Mozilla's recommendation to follow: `intermediate` has TLS 1.2 and 1.3, `modern` 1.3 alone.",
    )
    trusted_proxies: TrustedProxies | None = Field(
        default=None, description="A CDN in front of the servers; limits, logs and applications see whom it names."
    )
