"""Which host plays which part: the hosts and groups of an inventory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from roost.model.reserved import HOST_GROUPS

_IMPLICIT_GROUPS = ("all", "ungrouped")


@dataclass(frozen=True)
class Host:
    """A host: `address` is where the controller reaches it, `internal_address` where the other hosts do."""

    name: str
    address: str
    internal_address: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Topology:
    """All hosts in the inventory's order, and the members of each group in the group's own order."""

    hosts: tuple[Host, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_ansible(cls, groups: Mapping[str, Iterable[str]], hostvars: Mapping[str, Mapping[str, Any]]) -> Self:
        """From Ansible's magic variables `groups` and `hostvars`."""
        members = {str(group): tuple(str(name) for name in names) for group, names in groups.items()}
        return cls._build(members, hostvars)

    @classmethod
    def from_path(cls, inventory: Path, host_vars: Mapping[str, Mapping[str, Any]] | None = None) -> Self:
        """From an inventory folder or file, read by Ansible's own code.

        `host_vars` are variables of hosts from elsewhere, which win over those in the inventory's files.
        """
        from ansible.inventory.helpers import get_group_vars  # noqa: PLC0415 - it takes 0.3 s; commands without an inventory don't need it
        from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
        from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415

        loader = DataLoader()
        manager = InventoryManager(loader=loader, sources=[str(inventory)])
        variables = {
            str(host.name): {
                **get_group_vars(host.get_groups()),
                **host.get_vars(),
                **(host_vars or {}).get(str(host.name), {}),
            }
            for host in manager.get_hosts()
        }
        members = {str(group): tuple(map(str, names)) for group, names in manager.get_groups_dict().items()}
        return cls._build(members, variables)

    @classmethod
    def _build(cls, members: dict[str, tuple[str, ...]], variables: Mapping[str, Mapping[str, Any]]) -> Self:
        hosts = []
        for name in members.get("all", ()):
            address = str(variables[name].get("ansible_host", name))
            internal = str(variables[name].get("roost_private_address", address))
            parts = frozenset(g for g, names in members.items() if name in names and g not in _IMPLICIT_GROUPS)
            hosts.append(Host(name, address, internal, parts))
        return cls(tuple(hosts), {g: names for g, names in members.items() if g not in _IMPLICIT_GROUPS})

    def members(self, group: str) -> tuple[Host, ...]:
        """The hosts of a group, the first one first; empty if there is no such group."""
        by_name = {host.name: host for host in self.hosts}
        return tuple(by_name[name] for name in self.groups.get(group, ()))

    def host(self, name: str) -> Host:
        """The host of this name; KeyError if there is none."""
        return next(host for host in self.hosts if host.name == name)

    @property
    def primary_database(self) -> Host | None:
        """The host on which databases are created: the first of `database`."""
        return next(iter(self.members("database")), None)

    @property
    def receiver(self) -> Host | None:
        """The host that receives PostgreSQL's log as it is written: the only one of `receiver`."""
        return next(iter(self.members("receiver")), None)

    @property
    def cache(self) -> Host | None:
        """The host of the cache: the first of `cache`."""
        return next(iter(self.members("cache")), None)

    @property
    def brokers(self) -> tuple[Host, ...]:
        """The hosts that carry Celery's messages: the group `broker`, or else the first of `cache`."""
        return self.members("broker") or self.members("cache")[:1]

    @property
    def unknown_groups(self) -> tuple[str, ...]:
        """Groups that Roost has no part for."""
        return tuple(sorted(group for group in self.groups if group not in HOST_GROUPS))
