"""Where the sandbox's hosts live: one subnet, and for each name an address that stays the same."""

import zlib
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network

from roost.errors import SandboxError

_CANDIDATES = tuple(IPv4Network(f"10.{second}.0.0/20") for second in range(203, 235))

# The first addresses of the subnet are left to the Engine (gateway) and to whoever adds something by hand.
_RESERVED = 16


def routed_networks(proc_net_route: str) -> list[IPv4Network]:
    """Return the networks in the text of /proc/net/route, the default route left out."""
    networks = []
    for line in proc_net_route.splitlines()[1:]:
        fields = line.split()
        destination, mask = (_little_endian(fields[column]) for column in (1, 7))
        if int(mask):
            networks.append(IPv4Network((int(destination), str(mask)), strict=False))
    return networks


def _little_endian(hexadecimal: str) -> IPv4Address:
    return IPv4Address(bytes.fromhex(hexadecimal)[::-1])


def free_subnet(used: Iterable[IPv4Network]) -> IPv4Network:
    """Return the first candidate subnet that overlaps none of the used networks."""
    used = list(used)
    for candidate in _CANDIDATES:
        if not any(candidate.overlaps(network) for network in used):
            return candidate
    raise SandboxError(
        f"Every subnet from {_CANDIDATES[0]} to {_CANDIDATES[-1]} is in use on this machine",
        hint="Free one of them, or create a Docker network called roost with a subnet of your own.",
    )


def address_for(name: str, subnet: IPv4Network, taken: Collection[IPv4Address]) -> IPv4Address:
    """Return the name's address: always the same one unless another host has taken it."""
    usable = subnet.num_addresses - _RESERVED - 1
    start = zlib.crc32(name.encode())
    for step in range(usable):
        address = subnet[_RESERVED + (start + step) % usable]
        if address not in taken:
            return address
    raise SandboxError(f"The sandbox's subnet {subnet} has no free address left")
