"""How a host is reached over ssh: what the inventory says of it, and the command made of that."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roost.errors import RoostError, UsageError
from roost.secrets import load_vault_secret

# Ansible's names of each setting; the first one that is set counts.
_ADDRESS = ("ansible_host", "ansible_ssh_host")
_PORT = ("ansible_port", "ansible_ssh_port")
_USER = ("ansible_user", "ansible_ssh_user")
_KEY = ("ansible_private_key_file", "ansible_ssh_private_key_file")
_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
_CONNECTION = "ansible_connection"

_OVER_SSH = ("ssh", "smart", "ansible.builtin.ssh")
_ALWAYS = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o", "LogLevel=ERROR")
_AS_ROOT = '[ "$(id -u)" = 0 ] || set -- sudo -n -- "$@"; exec "$@"'


@dataclass(frozen=True)
class Connection:
    """Where ssh goes to, and with which options."""

    address: str
    options: tuple[str, ...]

    def command(self, remote: list[str], *, terminal: bool = False, ask: bool = True) -> list[str]:
        """The command that runs another one as root on the host; without `ask`, ssh fails instead of asking."""
        # ssh hands one text to the login shell of a user whose rights aren't known here.
        text = shlex.join(["sh", "-c", _AS_ROOT, "sh", *remote])
        batch = () if ask else ("-o", "BatchMode=yes")
        return ["ssh", *_ALWAYS, *batch, "-t" if terminal else "-T", *self.options, self.address, text]


def connection_of(name: str, variables: Mapping[str, Any]) -> Connection:
    """The connection to a host by its variables. Raises UsageError if Ansible doesn't reach it over ssh."""
    kind = variables.get(_CONNECTION, "ssh")
    if kind not in _OVER_SSH:
        raise UsageError(f"{name} is not reached over ssh ({_CONNECTION} is {kind}).")
    options: list[str] = []
    for flag, names in (("-p", _PORT), ("-l", _USER), ("-i", _KEY)):
        if value := _first(variables, names):
            options += [flag, str(Path(value).expanduser()) if flag == "-i" else value]
    for argument in _ARGUMENTS:
        options += shlex.split(str(variables.get(argument) or ""))
    return Connection(_first(variables, _ADDRESS) or name, tuple(options))


def connection_variables(inventory: Path, host: str, password_file: Path) -> dict[str, Any]:
    """What the inventory says about reaching a host, read and templated by Ansible's own code."""
    from ansible.errors import AnsibleError  # noqa: PLC0415 - it takes 0.3 s; other commands don't need it
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.template import Templar  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    loader = DataLoader()
    try:
        loader.set_vault_secrets([("default", load_vault_secret(password_file))])
        manager = InventoryManager(loader=loader, sources=[str(inventory)])
        found = VariableManager(loader=loader, inventory=manager).get_vars(host=manager.get_host(host))
        wanted = {*_ADDRESS, *_PORT, *_USER, *_KEY, *_ARGUMENTS, _CONNECTION}
        templar = Templar(loader=loader, variables=found)
        return {name: templar.template(found[name]) for name in wanted & found.keys()}
    except AnsibleError as error:
        raise RoostError(f"How {host} is reached can't be read from the inventory: {error}") from error


def _first(variables: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(variables[name]) for name in names if variables.get(name)), "")
