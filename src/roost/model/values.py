"""The kinds of text that a stack consists of: each with its pattern and a sentence that says what is allowed.

Values end up in nginx, systemd, supervisor and SQL files, so every pattern is a list of what may occur, never
of what may not.
"""

import re
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from roost.database_url import DATABASE_URL, NO_DATABASE_URL, admin_url_problem
from roost.model.reserved import DATABASE_NAMES, SYSTEM_NAMES
from roost.rawyaml import VAULT_REFERENCE


class Declared(BaseModel):
    """A mapping of the stack: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Matches:
    """Text that matches `pattern` from its first to its last character; `allowed` completes "must be ..."."""

    pattern: str
    allowed: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"{shown(value)} must be {self.allowed}.")
        return value


def shown(value: str) -> str:
    """A value as it is quoted in a message: on one line, not longer than a screen is wide."""
    text = value.encode("unicode_escape").decode("ascii")
    return f'"{text[:60]}..."' if len(text) > 63 else f'"{text}"'


def unique[T](values: list[T]) -> list[T]:
    """Refuse a list that names a thing twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{shown(str(value))} is listed twice.")
    return values


def switch(value: Any) -> Any:
    """`true` stands for a mapping in which everything has its default, `false` for none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


def _not_reserved(value: str) -> str:
    if value in SYSTEM_NAMES:
        raise ValueError(
            f"{shown(value)} is a name of the system, of a service or of a group of hosts: choose another."
        )
    return value


def _database_name(value: str) -> str:
    if value in DATABASE_NAMES:
        raise ValueError(f"{shown(value)} belongs to PostgreSQL itself: choose another name.")
    return value


def _no_climbing(value: str) -> str:
    if ".." in value.split("/"):
        raise ValueError(f'{shown(value)} must not contain "..".')
    return value


def _domain(value: str) -> str:
    if not value.isascii():
        try:
            ascii_form = value.encode("idna").decode("ascii")
        except UnicodeError:
            ascii_form = "xn--..."
        raise ValueError(f"{shown(value)} must be written in its ASCII form: {ascii_form}.")
    if value != value.lower():
        raise ValueError(f"{shown(value)} must be in lower case: {value.lower()}.")
    if value.endswith("."):
        raise ValueError(f"{shown(value)} must not end with a dot.")
    if len(value) > 253:
        raise ValueError(f"{shown(value)} is longer than 253 characters.")
    return value


_GIT_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*@"
_GIT_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*"
_GIT_LOCATION = "|".join(
    [
        rf"(https|ssh)://({_GIT_USER})?{_GIT_HOST}(:[0-9]{{1,5}})?/[A-Za-z0-9._~/+-]+",
        rf"{_GIT_USER}{_GIT_HOST}:[A-Za-z0-9._~/+][A-Za-z0-9._~/+-]*",
        r"file:///[A-Za-z0-9._/+-]+",
    ]
)


def goes_through_ssh(location: str) -> bool:
    """Tell whether git reaches this location over ssh."""
    return not location.startswith(("https://", "file://"))


def _named(value: str, name: str) -> str:
    if value.rpartition("/")[2] != name:
        raise ValueError(f"{shown(value)} must be a {name}, perhaps in a folder.")
    return value


def _git_location(value: str) -> str:
    """Neither a remote helper nor an option of git's; the message leaves out a password that may stand in it."""
    if not re.fullmatch(_GIT_LOCATION, value):
        raise ValueError(
            "A git location looks like https://host/path, ssh://user@host/path, user@host:path "
            "or file:///absolute/path, without a query, a token or a password: "
            "a private repository is read over ssh with deploy_key: true."
        )
    return value


def _requirement(value: str) -> str:
    if re.search(r"[^A-Za-z0-9._\[\],<>=!~*+-]", value):
        raise ValueError(f"{shown(value)} must be one Python requirement without spaces like atlas-site==1.4.2.")
    try:
        parsed = Requirement(value)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{shown(value)} must be one Python requirement like atlas-site==1.4.2: {reason}.") from None
    if not parsed.specifier:
        raise ValueError(f"{shown(value)} must name a version too, like {parsed.name}==1.4.2.")
    return value


def _health_url(value: str) -> str:
    if "//" in value:
        raise ValueError(f'{shown(value)} must not contain "//".')
    return value


def _one_line(value: str) -> str:
    if any(character in value for character in "\n\r\0"):
        raise ValueError("The value must be one line without NUL characters.")
    return value


def _shown_as_it_is(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{shown(value)} must consist of printable characters.")
    return value


def _printable(value: str) -> str:
    if not value.strip() or not all(character.isprintable() or character == "\n" for character in value):
        raise ValueError("The directives must be lines of printable characters.")
    return value


def _balanced(value: str) -> str:
    """A block that is left open, or closed once too often, would swallow what comes after it."""
    code = re.sub(r""""(\\.|[^"\\])*"|'(\\.|[^'\\])*'|(?m:(^|(?<=\s))#.*$)""", "", value)
    depth = 0
    for character in code:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            break
    if depth:
        raise ValueError("The braces of the directives don't match.")
    if code.strip() and not code.rstrip().endswith((";", "}")):
        raise ValueError("The directives must end with ; or }.")
    return value


def _environment_value(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError("An environment variable is text: put the value in quotes.")
    return value


def _database_url(value: str) -> str:
    if VAULT_REFERENCE.fullmatch(value) or re.fullmatch(DATABASE_URL, value):
        return value
    raise ValueError(f'{NO_DATABASE_URL}, or be a secret like "{{{{ vault_apps.atlas.DATABASE_URL }}}}".')


def _admin_url(value: str) -> str:
    if not VAULT_REFERENCE.fullmatch(value) and (problem := admin_url_problem(value)):
        raise ValueError(problem)
    return value


_NAME = Matches(r"[a-z][a-z0-9_]{0,30}", "a lower-case letter followed by at most 30 of a-z, 0-9 and _")
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = rf"{_IDENTIFIER}(\.{_IDENTIFIER})*"
HTTPS_URL = r"https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/[A-Za-z0-9._~/-]*"
_PATH = r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_.][A-Za-z0-9._+-]*)*/?"

Name = Annotated[str, _NAME, AfterValidator(_not_reserved)]
PlainName = Annotated[str, _NAME]
RuleName = Annotated[
    str, Matches(r"[a-z][a-z0-9_-]{0,30}", "a lower-case letter followed by at most 30 of a-z, 0-9, _ and -")
]
DatabaseName = Annotated[str, _NAME, AfterValidator(_database_name)]
Domain = Annotated[
    str,
    AfterValidator(_domain),
    Matches(
        r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        "a full domain name such as www.example.com (letters, digits, hyphens and dots) or a wildcard such as "
        "*.example.com",
    ),
]
Module = Annotated[str, Matches(_DOTTED, "a dotted Python name such as atlas.settings")]
PythonObject = Annotated[
    str,
    Matches(rf"{_DOTTED}(:{_IDENTIFIER})?", "a dotted Python name such as atlas.wsgi or atlas.wsgi:application"),
]
BuiltPath = Annotated[
    str,
    AfterValidator(_no_climbing),
    Matches(rf"\.?{_PATH}", "the path of a folder such as dist"),
]
RelativePath = Annotated[
    str,
    AfterValidator(_no_climbing),
    Matches(_PATH, "a path inside the application's source such as requirements/production.txt"),
]
Lockfile = Annotated[RelativePath, AfterValidator(partial(_named, name="uv.lock"))]
Pyproject = Annotated[RelativePath, AfterValidator(partial(_named, name="pyproject.toml"))]
LocalPath = Annotated[
    str,
    AfterValidator(_no_climbing),
    Matches(rf"(\./|/)?({_PATH})|\.", "a path of letters, digits, . _ + - and /"),
]
UrlPrefix = Annotated[
    str, Matches(r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/){1,8}", "a URL path between slashes such as /static/")
]
UrlPath = Annotated[
    str,
    Matches(
        r"/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/){0,8}[A-Za-z0-9_~-][A-Za-z0-9._~-]*/?",
        "a URL path such as /api/ (with all below it) or /graphql (alone)",
    ),
]
HealthPath = Annotated[
    str,
    AfterValidator(_health_url),
    Matches(r"/[A-Za-z0-9._~/-]*", "a URL path such as /health/"),
    AfterValidator(_no_climbing),
]
HttpsUrl = Annotated[str, Matches(HTTPS_URL, "an https:// URL with a path, such as https://acme.example.com/directory")]
GitLocation = Annotated[str, AfterValidator(_git_location)]
GitVersion = Annotated[
    str,
    AfterValidator(_no_climbing),
    Matches(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}", "a tag, a branch or a commit, not beginning with - or ."),
]
PythonRequirement = Annotated[str, AfterValidator(_requirement)]
PythonVersion = Annotated[str, Matches(r"3\.[0-9]{1,2}", 'a Python version such as "3.13"')]
NodeCommand = Annotated[
    str, Matches(r"node( [A-Za-z0-9_./=:@-]+)+", "node with its arguments in plain words, such as node server.js")
]
NodeVersion = Annotated[str, Matches(r"[0-9]{2}\.[0-9]{1,3}\.[0-9]{1,3}", 'an exact version of Node such as "24.19.0"')]
EnvironmentName = Annotated[
    str, Matches(r"[A-Z_][A-Z0-9_]{0,99}", "upper-case letters, digits and _, not beginning with a digit")
]
EnvironmentValue = Annotated[str, BeforeValidator(_environment_value), AfterValidator(_one_line)]
Command = Annotated[str, AfterValidator(_one_line), Matches(r"\S(.*\S)?", "a command on one line")]
DebianPackage = Annotated[str, Matches(r"[a-z0-9][a-z0-9+.-]+", "the name of a Debian package such as libgdal-dev")]
Email = Annotated[
    str,
    Matches(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}", "an e-mail address"),
]
AuthorizedKey = Annotated[
    str,
    Matches(
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
        r" [A-Za-z0-9+/]{32,}={0,3}( [^\x00-\x1f\x7f]*)?",
        "an OpenSSH public key on one line, such as ssh-ed25519 AAAA... you@laptop",
    ),
]
HostKey = Annotated[
    str,
    Matches(
        r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{32,}={0,3}",
        "a server's public key without its name, such as ssh-ed25519 AAAA..., as ssh-keyscan prints it",
    ),
]
QueueName = Annotated[str, Matches(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}", "letters, digits, . _ and -")]
Extension = Annotated[str, Matches(r"[a-z][a-z0-9_-]{0,62}", "the name of a PostgreSQL extension such as postgis")]
Timezone = Annotated[str, Matches(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*", "a time zone such as Europe/Berlin")]
Statement = Annotated[
    str,
    Matches(
        r"[Ss][Ee][Ll][Ee][Cc][Tt][ (][^\x00-\x1f;\\\x7f-\xa0]{1,2000}",
        "one SQL statement on one line that begins with SELECT, without ; and backslashes, such as "
        "SELECT count(*) > 0 FROM auth_user",
    ),
    AfterValidator(_shown_as_it_is),
]
VaultOrDatabaseUrl = Annotated[str, AfterValidator(_database_url)]
VaultOrAdminUrl = Annotated[str, AfterValidator(_admin_url)]
Port = Annotated[int, Field(ge=1, le=65535)]
HeaderValue = Annotated[
    str,
    Matches(
        r"[!-#%-\[\]-~]([ -#%-\[\]-~]*[!-#%-\[\]-~])?",
        "the value of a header on one line: ASCII characters apart from $ and the backslash",
    ),
]
Rate = Annotated[str, Matches(r"[1-9][0-9]{0,5}/[sm]", "requests a second or a minute such as 20/s or 300/m")]
NginxText = Annotated[str, AfterValidator(_printable), AfterValidator(_balanced)]
HeaderName = Annotated[str, Matches(r"[A-Za-z][A-Za-z0-9-]{0,63}", "the name of a header such as X-Total-Count")]
Method = Annotated[str, Matches(r"[A-Z]{1,20}", "an HTTP method such as PUT")]
Origin = Annotated[
    str,
    Matches(
        r"\*|https?://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{1,5})?",
        'a site like https://app.example.com, without a path, or "*"',
    ),
]
TlsKind = Literal["auto", "letsencrypt", "selfsigned"]
