"""Changes of sshd and the firewall that keep the controller out take themselves back, on each Debian release."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts import SANDBOX, Host, sandbox_host
from tests.support.project import REPOSITORY

CONFIRM_WITHIN = 20
PLAYBOOK = """
- name: Change how the host is reached
  hosts: all
  roles:
    - firewall
    - ssh
"""
LOCK_OUTS = {
    "the firewall drops ssh": {"__firewall_ssh_ports": [2222]},
    "sshd refuses the controller's user": {"ssh_allow_users": ["nobody"]},
    "the firewall does not know sshd's new port": {"ssh_port": 2222},
}


class Remote:
    """A sandbox host with the roles `firewall` and `ssh`, and ways to change and to reach it."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self._inventory = folder / "hosts.yml"
        self._playbook = folder / "play.yml"
        self._playbook.write_text(PLAYBOOK)
        self.use_port(22)

    def use_port(self, port: int) -> None:
        """Reach the host by this port from now on."""
        self._port = port
        variables = self.host.variables | {"ansible_port": port}
        self._inventory.write_text(json.dumps({"all": {"hosts": {self.host.name: variables}}}))

    def converge(self, **inputs: object) -> tuple[int, str]:
        """Run the roles. Returns the exit code and the output."""
        timeouts = {"ssh_confirm_within": CONFIRM_WITHIN, "firewall_confirm_within": CONFIRM_WITHIN}
        command = ["ansible-playbook", str(self._playbook), "-i", str(self._inventory)]
        done = subprocess.run(
            [*command, "-e", json.dumps(timeouts | inputs)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command over a connection of its own."""
        options = ["-o", "ControlPath=none", "-o", "ConnectTimeout=2", "-p", str(self._port)]
        return subprocess.run(
            ["ssh", "-F", str(SANDBOX / "ssh_config"), *options, self.host.name, command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def answers(self) -> bool:
        return self.ssh("true").returncode == 0

    def wait(self, seconds: int) -> None:
        """Return as soon as the host can be reached; it must be within `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.answers():
            assert time.monotonic() < deadline, f"{self.host.name} still can't be reached"
            time.sleep(1)

    def configuration(self) -> str:
        files = "/etc/nftables.conf /etc/ssh/sshd_config.d/10-roost.conf"
        return self.ssh(f"cat {files}; nft --stateless list table inet roost; $(command -v sshd) -T").stdout

    def reverts(self) -> int:
        """Return how often the host has put old files back by itself."""
        journal = self.ssh("journalctl --output cat --unit 'roost-revert-*'").stdout
        return journal.count("was not confirmed, so the old files are back")


@pytest.fixture(scope="module", params=["debian12", "debian13"])
def remote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    release: str = request.param
    with sandbox_host(f"lockout-{release}", release) as host:
        remote = Remote(host, tmp_path_factory.mktemp(release))
        code, output = remote.converge()
        assert code == 0, output
        yield remote


def changed(output: str) -> int:
    (count,) = re.findall(r"changed=(\d+)", output)
    return int(count)


@pytest.mark.parametrize("inputs", LOCK_OUTS.values(), ids=LOCK_OUTS)
def test_lock_out_takes_itself_back(remote: Remote, inputs: dict[str, object]) -> None:
    before, reverts = remote.configuration(), remote.reverts()
    code, output = remote.converge(**inputs)
    assert code != 0
    assert "timed out waiting for ping module test" in output, output
    remote.wait(CONFIRM_WITHIN + 10)
    assert remote.configuration() == before
    assert remote.reverts() == reverts + 1
    code, output = remote.converge()
    assert code == 0, output
    code, output = remote.converge()
    assert (code, changed(output)) == (0, 0), output
    assert remote.configuration() == before


def test_rules_are_there_after_a_reboot(remote: Remote) -> None:
    before = remote.configuration()
    boot = remote.ssh("cat /proc/sys/kernel/random/boot_id").stdout
    remote.ssh("systemctl reboot")
    deadline = time.monotonic() + 60
    while remote.ssh("cat /proc/sys/kernel/random/boot_id").stdout in ("", boot):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert remote.configuration() == before


def test_sshd_moves_to_another_port_and_the_old_one_is_closed_afterwards(remote: Remote) -> None:
    ports = {"firewall_ssh_port": 2222, "ssh_port": 2222}
    code, output = remote.converge(**ports)
    assert code == 0, output
    assert "from now on the inventory needs ansible_port: 2222" in output
    assert not remote.answers()
    remote.use_port(2222)
    code, output = remote.converge(**ports)
    assert code == 0, output
    assert "tcp dport 2222 goto ssh" in remote.configuration()
    code, output = remote.converge(**ports)
    assert (code, changed(output)) == (0, 0), output
