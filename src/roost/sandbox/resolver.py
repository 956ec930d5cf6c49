"""The name servers that a sandbox host uses: those of this machine."""

from ipaddress import ip_address
from pathlib import Path

from roost.errors import SandboxError

# The second one lists the real servers where systemd-resolved puts its own local address in the first.
_SOURCES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def reachable_resolver(texts: list[str]) -> str:
    """Return the content of a host's resolv.conf, from the first text with a server that it can reach."""
    for text in texts:
        lines = [line.split() for line in text.splitlines()]
        servers = [fields[1] for fields in lines if len(fields) > 1 and fields[0] == "nameserver"]
        reachable = [server for server in servers if not ip_address(server.partition("%")[0]).is_loopback]
        if reachable:
            return "".join(f"nameserver {server}\n" for server in reachable)
    raise SandboxError(
        "This machine's /etc/resolv.conf names no server that a sandbox host can reach",
        hint="Add a nameserver line with an address outside 127.0.0.0/8.",
    )


def outer_resolver() -> str:
    """Return the content of resolv.conf for hosts on this machine."""
    return reachable_resolver([path.read_text() for path in _SOURCES if path.is_file()])
