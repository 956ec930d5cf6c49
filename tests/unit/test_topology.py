"""Hosts and groups, read by Ansible's code from a path and from Ansible's own variables."""

from pathlib import Path

import pytest

from roost.topology import Topology

HOSTS = """\
all:
  vars: {roost_private_address: 10.0.0.9}
  hosts:
    vm1: {ansible_host: 203.0.113.1, roost_private_address: 10.0.0.1}
    vm2: {ansible_host: 203.0.113.2}
    vm3:
  children:
    web: {hosts: {vm1: }}
    app: {hosts: {vm1: }}
    database: {hosts: {vm3: , vm2: }}
    cache: {hosts: {vm2: , vm1: }}
    monitoring: {children: {database: }}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(HOSTS)
    return path


def test_members_keep_the_order_of_their_group(inventory: Path) -> None:
    topology = Topology.from_path(inventory)
    assert [host.name for host in topology.hosts] == ["vm1", "vm2", "vm3"]
    assert [host.name for host in topology.members("database")] == ["vm3", "vm2"]
    assert [host.name for host in topology.members("monitoring")] == ["vm3", "vm2"]
    assert topology.primary_database == topology.host("vm3")
    assert topology.cache == topology.host("vm2")
    assert topology.members("worker") == ()
    assert topology.host("vm2").groups == {"database", "cache", "monitoring"}


def test_addresses_come_from_the_nearest_place(inventory: Path) -> None:
    topology = Topology.from_path(inventory, {"vm3": {"roost_private_address": "10.0.0.3"}})
    addresses = {host.name: (host.address, host.internal_address) for host in topology.hosts}
    assert addresses == {
        "vm1": ("203.0.113.1", "10.0.0.1"),
        "vm2": ("203.0.113.2", "10.0.0.9"),
        "vm3": ("vm3", "10.0.0.3"),
    }


def test_without_a_group_broker_the_first_cache_carries_the_messages(inventory: Path) -> None:
    assert [host.name for host in Topology.from_path(inventory).brokers] == ["vm2"]
    inventory.write_text(HOSTS + "    broker: {hosts: {vm3: , vm1: }}\n")
    assert [host.name for host in Topology.from_path(inventory).brokers] == ["vm3", "vm1"]


def test_ansibles_variables_give_the_same_topology(inventory: Path) -> None:
    groups = {
        "all": ["vm1", "vm2", "vm3"],
        "ungrouped": [],
        "web": ["vm1"],
        "app": ["vm1"],
        "database": ["vm3", "vm2"],
        "cache": ["vm2", "vm1"],
        "monitoring": ["vm3", "vm2"],
    }
    hostvars = {
        "vm1": {"ansible_host": "203.0.113.1", "roost_private_address": "10.0.0.1"},
        "vm2": {"ansible_host": "203.0.113.2", "roost_private_address": "10.0.0.9"},
        "vm3": {"roost_private_address": "10.0.0.9"},
    }
    assert Topology.from_ansible(groups, hostvars) == Topology.from_path(inventory)


def test_an_empty_topology_has_nobody_for_any_part() -> None:
    topology = Topology.from_ansible({"all": []}, {})
    assert (topology.hosts, topology.brokers, topology.cache, topology.primary_database) == ((), (), None, None)


def test_groups_that_roost_has_no_part_for(inventory: Path) -> None:
    inventory.write_text(HOSTS + "    databse: {hosts: {vm1: }}\n")
    assert Topology.from_path(inventory).unknown_groups == ("databse",)
