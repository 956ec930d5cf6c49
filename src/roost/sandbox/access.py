"""How hosts are reached: the key, ssh's configuration, the known host keys and an Ansible inventory."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from roost.sandbox.folder import Folder

_HEADER = "# Written by `roost sandbox`; changes made here are overwritten.\n"


@dataclass(frozen=True)
class Access:
    """What a client needs to know of one host; `host_key` is such as "ssh-ed25519 AAAA"."""

    name: str
    address: str
    host_key: str


def ensure_key(folder: Folder) -> str:
    """Return the public key that opens every host of the folder; generate the pair if it is missing."""
    if not (folder.key.exists() and folder.public_key.exists()):
        folder.key.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "roost-sandbox", "-f", str(folder.key)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return folder.public_key.read_text()


def write_access_files(folder: Folder, hosts: Sequence[Access]) -> None:
    """Bring ssh_config, known_hosts and the inventory in line with the hosts that exist."""
    _replace(folder.known_hosts, render_known_hosts(hosts))
    _replace(folder.ssh_config, render_ssh_config(folder, hosts))
    _replace(folder.inventory, render_inventory(folder, hosts))


def render_known_hosts(hosts: Sequence[Access]) -> str:
    """Return the known_hosts text: one line for each host."""
    return "".join(f"{host.name},{host.address} {host.host_key}\n" for host in hosts)


def render_ssh_config(folder: Folder, hosts: Sequence[Access]) -> str:
    """Return a configuration with which `ssh -F FILE NAME` reaches each host."""
    sections = [
        f"Host {host.name}\n"
        f"  HostName {host.address}\n"
        "  User root\n"
        f'  IdentityFile "{folder.key}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{folder.known_hosts}"\n'
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        for host in hosts
    ]
    return "\n".join([_HEADER, *sections])


def render_inventory(folder: Folder, hosts: Sequence[Access]) -> str:
    """Return an Ansible inventory with the hosts in no group but `all`."""
    common_args = shlex.join(
        [
            *("-o", "IdentitiesOnly=yes"),
            *("-o", f'UserKnownHostsFile="{folder.known_hosts}"'),
            *("-o", "GlobalKnownHostsFile=/dev/null"),
            *("-o", "StrictHostKeyChecking=yes"),
        ]
    )
    inventory = {
        "all": {
            "hosts": {
                host.name: {
                    "ansible_host": host.address,
                    "ansible_user": "root",
                    "ansible_ssh_private_key_file": str(folder.key),
                    "ansible_ssh_common_args": common_args,
                }
                for host in hosts
            },
        }
    }
    return _HEADER + yaml.safe_dump(inventory, sort_keys=False, width=1000)


def _replace(path: Path, text: str) -> None:
    """Write the file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)
