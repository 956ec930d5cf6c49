"""`roost check`: is the declaration right? No host is contacted."""

from dataclasses import asdict
from typing import Any

import typer

from roost.cli.environments import EnvironmentOption, find_inventory
from roost.cli.running import JsonOption, print_json
from roost.environment import Environment, load_environment
from roost.errors import InvalidDeclaration


def check(environment: EnvironmentOption = "", as_json: JsonOption = False) -> None:
    """Check hosts.yml and stack.yml, and list everything that is wrong. No host is contacted."""
    inventory = find_inventory(environment)
    try:
        loaded = load_environment(inventory)
    except InvalidDeclaration as error:
        if as_json:
            print_json({"ok": False, "problems": [asdict(problem) for problem in error.problems]})
        raise
    if as_json:
        print_json({"ok": True, "problems": [], **_content(loaded)})
        return
    content = _content(loaded)
    typer.echo(f"{inventory} is valid.")
    for app in content["apps"]:
        typer.echo(f"  app   {app['name']}  {', '.join(app['domains'])}")
    for host in content["hosts"]:
        typer.echo(f"  host  {host['name']}  {host['address']}  ({', '.join(host['groups'])})")


def _content(loaded: Environment) -> dict[str, Any]:
    return {
        "apps": [{"name": app.name, "domains": list(app.domains)} for app in loaded.apps],
        "hosts": [
            {"name": host.name, "address": host.address, "groups": sorted(host.groups)}
            for host in loaded.topology.hosts
        ],
    }
