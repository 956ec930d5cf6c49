"""One container that boots systemd, and what is done to it from outside."""

import io
import tarfile
import time
from pathlib import Path
from typing import Any, cast

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from roost.errors import SandboxError

_BOOT_TIMEOUT = 120.0
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"

_AUTHORIZE = """
umask 077
mkdir -p /root/.ssh
touch /root/.ssh/authorized_keys
grep -qxF "$1" /root/.ssh/authorized_keys || printf '%s\\n' "$1" >>/root/.ssh/authorized_keys
"""

# With these, systemd boots and a role can do what it does on a virtual machine: mount, filter packets,
# sandbox units, reboot. `--privileged` gives more, and fails where the machine itself has less.
BOOT_OPTIONS: dict[str, Any] = {
    "command": "/sbin/init",
    "environment": {"container": "docker"},
    "stop_signal": "SIGRTMIN+3",
    # A reboot ends the container's first process; the Engine then starts it again.
    "restart_policy": {"Name": "always"},
    "cap_add": ["ALL"],
    "cap_drop": [
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "SYSLOG",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
    ],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "cgroupns": "host",
    "volumes": {"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}},
    "tmpfs": {"/run": "mode=0755", "/run/lock": "", "/tmp": "exec"},  # noqa: S108 - the host's own /tmp
    # PostgreSQL's parallel queries need more shared memory than Docker's 64 MB.
    "shm_size": "1g",
}


def first_boot_files(name: str, address: str, resolver: str) -> dict[str, str]:
    """Return the files (path -> content) that give a host its identity before it boots for the first time."""
    return {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{address} {name}\n",
        "etc/resolv.conf": resolver,
        # Empty ones are generated anew at boot, which matters to a host made from another one's snapshot.
        "etc/machine-id": "",
        "etc/ssh/sandbox-first-boot": "",
    }


def put_files(container: Container, files: dict[str, str]) -> None:
    """Write files (path without leading slash -> content) into the container, owned by root, mode 0644."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in files.items():
            data = content.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            entry.mtime = int(time.time())
            tar.addfile(entry, io.BytesIO(data))
    container.put_archive("/", archive.getvalue())


def wait_until_booted(container: Container) -> None:
    """Wait until systemd has started all it wanted to; a failed unit does not count as not booted."""
    deadline = time.monotonic() + _BOOT_TIMEOUT
    state = ""
    while time.monotonic() < deadline:
        state = _system_state(container)
        if state in ("running", "degraded"):
            return
        time.sleep(0.1)
    raise SandboxError(
        f"{container.name} did not boot within {_BOOT_TIMEOUT:.0f} seconds; systemd says: {state or 'nothing'}",
        hint=f"See: docker exec {container.name} systemctl list-jobs",
    )


def _system_state(container: Container) -> str:
    try:
        _, output = _run(container, "systemctl", "is-system-running")
    except APIError:
        # Not running at this moment: it is about to be started, or rebooting.
        return ""
    return output


def authorize(container: Container, public_key: str) -> None:
    """Let the key log in as root."""
    exit_code, output = _run(container, "sh", "-ec", _AUTHORIZE, "sh", public_key.strip())
    if exit_code:
        raise SandboxError(f"{container.name} refused the sandbox's key: {output}")


def _run(container: Container, *command: str) -> tuple[int, str]:
    """Return the exit code and the output of a command in the container."""
    done = container.exec_run(list(command))
    output = cast(bytes, done.output)  # It is an iterator only where a stream was asked for.
    return done.exit_code or 0, output.decode().strip()


def host_key(container: Container) -> str | None:
    """Return the host's public ssh key, such as "ssh-ed25519 AAAA", or None if it has never booted.

    The key is read past the network, so what a client then trusts is this very host.
    """
    try:
        chunks, _ = container.get_archive(_HOST_KEY)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        member = tar.extractfile(Path(_HOST_KEY).name)
        if member is None:
            raise SandboxError(f"{container.name} has no regular file {_HOST_KEY}")
        algorithm, key, *_ = member.read().decode().split()
    return f"{algorithm} {key}"
