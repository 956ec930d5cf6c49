"""The Docker network that all sandbox hosts of this machine share."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.types import IPAMConfig, IPAMPool

from roost.errors import SandboxError
from roost.sandbox.addresses import free_subnet, routed_networks

NETWORK = "roost"


def require_network(client: DockerClient) -> IPv4Network:
    """Return the subnet of the sandbox's network; create the network if it is missing."""
    for network in client.networks.list(names=[NETWORK]):
        if network.name == NETWORK:
            return _subnet_of(network.attrs)
    used = routed_networks(Path("/proc/net/route").read_text())
    pool = IPAMPool(subnet=str(free_subnet(used)))
    return _subnet_of(client.networks.create(NETWORK, ipam=IPAMConfig(pool_configs=[pool])).attrs)


def _subnet_of(attributes: dict[str, Any]) -> IPv4Network:
    for pool in attributes["IPAM"]["Config"]:
        if "." in pool["Subnet"]:
            return IPv4Network(pool["Subnet"])
    raise SandboxError(
        f"The Docker network {NETWORK} has no IPv4 subnet",
        hint=f"Run: docker network rm {NETWORK}; Roost then creates it anew.",
    )
