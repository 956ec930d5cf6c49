"""What a derivation may look at: the stack, the topology, one host of it and that host's own facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate

from roost.model import ResolvedApp, Stack, parse_stack, resolved_apps, wanted_database_backups
from roost.topology import Host, Topology

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Context:
    """One host's view of a stack. `facts` is empty until Ansible has gathered them.

    `hostvars` are the variables of every host, with what it has registered in this run.
    """

    stack: Stack
    topology: Topology
    host: Host
    facts: Mapping[str, Any]
    hostvars: Mapping[str, Mapping[str, Any]]

    @property
    def apps(self) -> list[ResolvedApp]:
        return resolved_apps(self.stack)

    @property
    def pooled(self) -> bool:
        """Whether any application wants PgBouncer before its database."""
        return any(app.database and app.database.pooler for app in self.apps)

    @property
    def receiver(self) -> Host | None:
        """The host that receives the log of this one's databases."""
        return self.topology.receiver if self.is_first("database") and wanted_database_backups(self.stack) else None

    @property
    def cpus(self) -> int:
        return int(self.facts.get("processor_vcpus", 1))

    @property
    def memory_mb(self) -> int:
        return int(self.facts.get("memtotal_mb", 1024))

    def plays(self, group: str) -> bool:
        return group in self.host.groups

    def is_first(self, group: str) -> bool:
        return self.topology.members(group)[:1] == (self.host,)

    def address_of(self, other: Host) -> str:
        """Return where this host reaches another one, or itself."""
        return LOOPBACK if other == self.host else other.internal_address

    def clients(self) -> list[Host]:
        """Return the other hosts that run applications, in the inventory's order."""
        return [host for host in self.application_hosts() if host != self.host]

    def application_hosts(self) -> list[Host]:
        """Return the hosts that run applications, in the inventory's order."""
        return [host for host in self.topology.hosts if host.groups & {"app", "worker"}]


type RoleInput[**P, T] = Callable[Concatenate[Context, P], T]


def role_input[**P, T](function: RoleInput[P, T]) -> Callable[..., T]:
    """Make a derivation callable as `stack | roost_<name>(groups, hostvars, inventory_hostname, ...)`.

    Raises InvalidDeclaration if the stack is not valid.
    """

    @wraps(function)
    def derive(
        stack: Mapping[str, Any],
        groups: Mapping[str, Iterable[str]],
        hostvars: Mapping[str, Mapping[str, Any]],
        name: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        topology = Topology.from_ansible(groups, hostvars)
        facts = hostvars[name].get("ansible_facts", {})
        return function(Context(parse_stack(stack), topology, topology.host(name), facts, hostvars), *args, **kwargs)

    return derive
