"""`roost maintenance`: a page instead of the application, while it is worked on."""

import ipaddress
from typing import Annotated

import typer

from roost.choice import known_app
from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation
from roost.errors import UsageError

app = typer.Typer(help="A page instead of the application, while it is worked on.", no_args_is_help=True)

AppsOption = Annotated[
    list[str] | None,
    typer.Option("--app", metavar="APP", help="Only this application. May be given more than once."),
]


@app.command()
def on(
    environment: EnvironmentOption = "",
    apps: AppsOption = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="An address or network that still gets in. May be given more than once."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Answer requests with status 503 and a page, from the next one on. Again with other --allow: only those get in."""
    networks = [_network(text) for text in allow or []]
    _set_mode("on", environment, apps, as_json, networks)


@app.command()
def off(environment: EnvironmentOption = "", apps: AppsOption = None, as_json: JsonOption = False) -> None:
    """Let the application answer again, from the next request on."""
    _set_mode("off", environment, apps, as_json, [])


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise UsageError(f"{error}.", hint="An address or network looks like 203.0.113.7 or 203.0.113.0/24.") from None


def _set_mode(state: str, environment: str, apps: list[str] | None, as_json: bool, networks: list[str]) -> None:
    """Run the playbook, without the environment's lock: maintenance may be what a run that hangs calls for."""
    operation = Operation(f"maintenance {state}", "playbooks/maintenance.yml", environment, as_json)
    known = [app.name for app in operation.loaded.apps]
    operation.variables = {
        "nginx_maintenance_state": state,
        "nginx_maintenance_sites": [known_app(app, known) for app in apps or []],
        "nginx_maintenance_allow": networks,
    }
    operation.close(operation.run())
