"""What the role `firewall` promises, seen from the controller."""

import os
import socket
import time
from pathlib import Path

import pytest
import testinfra
import yaml

SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])

# Prints how many connections could be opened before one was dropped.
FLOOD = """
import socket, sys
for opened in range(200):
    try:
        socket.create_connection((sys.argv[1], 22), timeout=1).close()
    except TimeoutError:
        break
print(opened)
"""


@pytest.fixture
def address(host):
    hosts = yaml.safe_load((SANDBOX / "inventory" / "hosts.yml").read_text())["all"]["hosts"]
    return hosts[host.backend.get_hostname()]["ansible_host"]


def answers(address, port):
    try:
        socket.create_connection((address, port), timeout=2).close()
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("port", [22, 8001, 8002, 8003])
def test_declared_port_answers(address, port):
    assert answers(address, port)


@pytest.mark.parametrize("port", [8004, 8005])
def test_other_port_is_dropped(host, address, port):
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening
    assert not answers(address, port)


def test_host_reaches_itself(host):
    host.check_output("curl --fail --silent --max-time 5 http://127.0.0.1:8005/")


def gets_in(host):
    try:
        return host.run("true").rc == 0
    except RuntimeError:  # ssh could not connect
        return False


def test_flood_of_connections_to_sshd_is_dropped_and_the_controller_gets_in(host, address):
    name = {"molecule12": "molecule13", "molecule13": "molecule12"}[host.backend.get_hostname()]
    other = testinfra.get_host(f"ssh://{name}", ssh_config=str(SANDBOX / "ssh_config"))
    opened = int(other.check_output(f"python3 -c '{FLOOD}' {address}"))
    assert 100 <= opened < 200
    # sshd itself may refuse some connections until it has seen the end of those it was flooded with.
    deadline = time.monotonic() + 30
    while not gets_in(host):
        assert time.monotonic() < deadline
        time.sleep(1)


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_tables_of_others_stay(host, action):
    host.check_output("nft add table inet foreign")
    host.check_output(f"systemctl {action} nftables")
    tables = host.check_output("nft list tables").splitlines()
    assert "table inet roost" in tables
    assert "table inet foreign" in tables


def test_firewall_starts_at_boot(host):
    assert host.service("nftables").is_enabled
    assert host.service("nftables").is_running


def test_nothing_waits_to_revert(host):
    assert "roost" not in host.check_output("systemctl list-timers --all --no-legend")
