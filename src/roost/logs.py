"""Where the logs of an application are, and the command that shows them. Pure."""

import shlex
from collections.abc import Callable
from enum import StrEnum

SLOTS = ("blue", "green")

# Ends the command when ssh does: without a terminal nothing else would tell it that nobody reads on.
_WHILE_CONNECTED = 'exec 3<&0; "$@" & pid=$!; { cat <&3; kill $pid; } >/dev/null 2>&1 & wait $pid'


class Kind(StrEnum):
    """Which logs."""

    WEB = "web"
    CELERY = "celery"
    NGINX = "nginx"


GROUPS = {Kind.WEB: "app", Kind.CELERY: "worker", Kind.NGINX: "web"}
"""The group of hosts where each kind is written."""


def show_command(kind: Kind, app: str, lines: int, *, follow: bool) -> list[str]:
    """The command that shows the last lines of an application's logs on its host, run as root."""
    command = _COMMANDS[kind](app, lines, follow)
    return ["sh", "-c", _WHILE_CONNECTED, "sh", *command] if follow else command


def _web(app: str, lines: int, follow: bool) -> list[str]:
    units = [f"--unit={name}@{slot}.service" for name in (app, f"{app}-frontend") for slot in SLOTS]
    options = ["--quiet", "--no-pager", "--output=short-iso", "--no-hostname", f"--lines={lines}"]
    return ["journalctl", *units, *options, *(["--follow"] if follow else [])]


def _celery(app: str, lines: int, follow: bool) -> list[str]:
    # The shell on the host finds out which programs there are.
    pattern = f"/var/log/roost/{shlex.quote(app)}/*.log"
    return ["sh", "-c", f"exec {shlex.join(_tail(lines, follow))} {pattern}"]


def _nginx(app: str, lines: int, follow: bool) -> list[str]:
    return [*_tail(lines, follow), *(f"/var/log/nginx/{app}.{kind}.log" for kind in ("access", "error"))]


def _tail(lines: int, follow: bool) -> list[str]:
    return ["tail", f"--lines={lines}", *(["--follow=name", "--retry"] if follow else [])]


_COMMANDS: dict[Kind, Callable[[str, int, bool], list[str]]] = {
    Kind.WEB: _web,
    Kind.CELERY: _celery,
    Kind.NGINX: _nginx,
}
