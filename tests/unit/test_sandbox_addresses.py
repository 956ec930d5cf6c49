from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import SandboxError
from roost.sandbox.addresses import address_for, free_subnet, routed_networks

SUBNET = IPv4Network("10.203.0.0/20")
SMALL = IPv4Network("10.203.0.0/27")

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
br-1\t0000CB0A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
"""


def test_routes_without_the_default_one():
    assert routed_networks(ROUTES) == [IPv4Network("192.0.2.0/24"), SUBNET]


def test_first_subnet_is_taken_when_nothing_is_in_the_way():
    assert free_subnet([IPv4Network("192.0.2.0/24")]) == SUBNET


@pytest.mark.parametrize("used", ["10.203.15.0/24", "10.203.0.0/16", "10.203.4.7/32"])
def test_subnet_avoids_networks_that_overlap(used):
    assert free_subnet([IPv4Network(used)]) == IPv4Network("10.204.0.0/20")


def test_no_subnet_left_is_an_error():
    with pytest.raises(SandboxError, match="in use"):
        free_subnet([IPv4Network("10.0.0.0/8")])


@given(st.text())
def test_address_is_stable_and_leaves_the_gateway_and_the_broadcast_address_alone(name):
    address = address_for(name, SUBNET, taken=set())
    assert address == address_for(name, SUBNET, taken=set())
    assert address in SUBNET
    assert SUBNET[15] < address < SUBNET[-1]


def test_a_taken_address_is_never_given_out_again_until_all_are_taken():
    taken: set[IPv4Address] = set()
    for number in range(15):
        address = address_for(f"host{number}", SMALL, taken)
        assert address not in taken
        taken.add(address)
    with pytest.raises(SandboxError, match="no free address"):
        address_for("one-more", SMALL, taken)
