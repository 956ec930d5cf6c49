"""Real sandbox hosts, in a sandbox folder of the test's own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from roost.sandbox.folder import Folder

REPOSITORY = Path(__file__).resolve().parents[2]
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


class Commands:
    """Runs commands on the sandbox in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "ROOST_SANDBOX_DIR": str(folder),
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(arguments, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, f"{arguments}: {output}{errors}"
        return output

    def roost(self, *arguments: str) -> str:
        return self.run("roost", "sandbox", *arguments)

    def on(self, name: str, command: str) -> str:
        return self.roost("ssh", name, "--", command).strip()

    def inventory(self) -> list[str]:
        return ["-i", str(self.folder / "inventory")]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path / "sandbox")
    yield commands
    commands.roost("down", "--all")


@pytest.mark.parametrize(("release", "version"), [("debian12", "12"), ("debian13", "13")])
def test_host_lives_like_a_virtual_machine(sandbox: Commands, release: str, version: str) -> None:
    sandbox.roost("up", "web1", "--release", release)
    assert sandbox.on("web1", "systemctl is-system-running") == "running"
    assert sandbox.on("web1", ". /etc/os-release; echo $VERSION_ID") == version
    assert sandbox.on("web1", "hostname") == "web1"
    assert "pong" in sandbox.run("ansible", *sandbox.inventory(), "all", "-m", "ping")

    first_boot = sandbox.on("web1", BOOT_ID)
    sandbox.on("web1", "sed -i '$ a 192.0.2.9 kept' /etc/hosts; echo 192.0.2.53 > /etc/resolv.conf")
    sandbox.run("ansible", *sandbox.inventory(), "all", "-m", "reboot")
    assert sandbox.on("web1", BOOT_ID) != first_boot
    assert "192.0.2.9 kept" in sandbox.on("web1", "cat /etc/hosts")
    assert sandbox.on("web1", "cat /etc/resolv.conf") == "192.0.2.53"
    sandbox.on("web1", "sysctl -qw net.ipv4.ip_forward=0")


def test_up_leaves_a_running_host_alone_and_starts_a_stopped_one(sandbox: Commands) -> None:
    listed = sandbox.roost("up", "web1")
    first_boot = sandbox.on("web1", BOOT_ID)
    sandbox.on("web1", "touch /root/kept")
    assert sandbox.roost("up", "web1") == listed
    assert sandbox.on("web1", BOOT_ID) == first_boot

    container = sandbox.run("docker", "ps", "-q", "--filter", f"label=roost.sandbox.folder={sandbox.folder}")
    sandbox.run("docker", "stop", container.strip())
    assert "exited" in sandbox.roost("list")
    assert sandbox.roost("up", "web1") == listed
    sandbox.on("web1", "test -e /root/kept")


def test_a_host_with_a_foreign_key_is_not_trusted(sandbox: Commands) -> None:
    sandbox.roost("up", "web1")
    sandbox.on("web1", "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
    process = sandbox.start("roost", "sandbox", "ssh", "web1", "--", "true")
    _, errors = process.communicate()
    assert process.returncode == 255
    assert "Host key verification failed" in errors


def test_hosts_start_from_a_snapshot_with_an_identity_of_their_own(sandbox: Commands) -> None:
    sandbox.roost("up", "web1", "--release", "debian12")
    sandbox.on("web1", "echo provisioned > /root/state")
    sandbox.roost("snapshot", "web1", "ready")
    try:
        assert "debian12" in sandbox.roost("up", "web2", "--from", "ready")
        assert sandbox.on("web2", "cat /root/state") == "provisioned"
        assert sandbox.on("web2", "hostname") == "web2"
        for own in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"):
            assert sandbox.on("web1", f"cat {own}") != sandbox.on("web2", f"cat {own}")
    finally:
        sandbox.roost("down", "--all")
        sandbox.run("docker", "rmi", f"roost/snapshot-{Folder(sandbox.folder).identity}:ready")


def test_commands_at_the_same_time_leave_every_host_reachable(sandbox: Commands) -> None:
    names = ["web1", "web2", "web3"]
    processes = [sandbox.start("roost", "sandbox", "up", name) for name in names]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    pings = sandbox.run("ansible", *sandbox.inventory(), "all", "-m", "ping")
    assert pings.count("pong") == len(names)


def test_down_forgets_the_host_and_does_not_mind_unknown_ones(sandbox: Commands) -> None:
    sandbox.roost("up", "web1")
    assert sandbox.roost("down", "web1", "never-seen") == "Removed web1\n"
    assert sandbox.roost("list") == ""
    assert (sandbox.folder / "known_hosts").read_text() == ""
    assert sandbox.roost("down", "web1") == ""
