"""Which application and which hosts a command is about."""

from collections.abc import Sequence

from roost.errors import UsageError
from roost.suggest import did_you_mean, listed
from roost.topology import Host, Topology


def known_app(name: str, apps: Sequence[str]) -> str:
    """The name itself. Raises UsageError if there is no such application."""
    if name not in apps:
        raise UsageError(f"There is no application {name}.{did_you_mean(name, apps)}")
    return name


def chosen_app(name: str, apps: Sequence[str]) -> str:
    """The application of this name, or the only one if no name is given. Raises UsageError otherwise."""
    if name:
        return known_app(name, apps)
    if len(apps) > 1:
        raise UsageError("There is more than one application.", hint=f"Say which: --app {listed(apps)}.")
    return apps[0]


def chosen_hosts(name: str, topology: Topology, groups: Sequence[str]) -> list[Host]:
    """The host of this name, or all hosts of the groups if no name is given, the first group's first.

    Raises UsageError if there is no such host, or if it is in none of the groups.
    """
    members = list(dict.fromkeys(host for group in groups for host in topology.members(group)))
    purpose = f"the group {listed(groups)}"
    if not members:
        raise UsageError(f"There is no host in {purpose}.")
    if not name:
        return members
    names = [host.name for host in topology.hosts]
    if name not in names:
        raise UsageError(f"There is no host {name}.{did_you_mean(name, names)}")
    if topology.host(name) not in members:
        raise UsageError(f"{name} is not in {purpose}.", hint=f"There: {', '.join(host.name for host in members)}.")
    return [topology.host(name)]
