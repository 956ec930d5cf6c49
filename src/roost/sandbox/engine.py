"""Finds the Docker Engine, or installs and starts it."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker
from docker import DockerClient
from docker.errors import DockerException

from roost.errors import SandboxError
from roost.sandbox.packages import require_command

_SOCKET = Path("/var/run/docker.sock")
_START_TIMEOUT = 60.0
_REQUEST_TIMEOUT = 300

# Pid files on a disk that outlived its machine's last boot, with the process that each should name.
_PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}


def connect(log: Path, say: Callable[[str], None]) -> DockerClient:
    """Return a client of the running Engine; start one first, logging to `log`, if none answers."""
    client = _answering_client()
    if client:
        return client
    if "DOCKER_HOST" in os.environ:
        raise SandboxError(
            f"No Docker Engine answers at {os.environ['DOCKER_HOST']}",
            hint="Start it, or unset DOCKER_HOST to use the Engine of this machine.",
        )
    if _SOCKET.exists() and not os.access(_SOCKET, os.W_OK):
        raise SandboxError(
            f"This user may not use the Docker Engine at {_SOCKET}",
            hint="Run: sudo usermod -aG docker $USER, then log in again.",
        )
    say("No Docker Engine answers here")
    daemon = require_command("dockerd", "docker.io", say)
    # Installing the package may have started it.
    if not _answering_client():
        _start(daemon, log, say)
    return _wait_for_answer(log)


def _answering_client() -> DockerClient | None:
    try:
        client = docker.from_env(timeout=_REQUEST_TIMEOUT)
        client.ping()
    except DockerException:
        return None
    return client


def _start(daemon: str, log: Path, say: Callable[[str], None]) -> None:
    if os.geteuid() != 0:
        raise SandboxError("Only root can start the Docker Engine", hint="Run: sudo systemctl start docker")
    if Path("/run/systemd/system").exists():
        say("Starting the Docker Engine")
        subprocess.run(["systemctl", "start", "docker"], check=True)
        return
    say(f"Starting the Docker Engine (its log: {log})")
    for pid_file, process in _PID_FILES.items():
        remove_stale(pid_file, process)
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as output:
        # A session of its own: the Engine must outlive this command and its terminal.
        subprocess.Popen([daemon], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def remove_stale(pid_file: Path, process: str) -> None:
    """Remove a pid file whose number belongs to no process, or to another one by now."""
    if not pid_file.exists():
        return
    running = Path("/proc") / pid_file.read_text().strip() / "comm"
    if not running.is_file() or running.read_text().strip() != process:
        pid_file.unlink()


def _wait_for_answer(log: Path) -> DockerClient:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        client = _answering_client()
        if client:
            return client
        time.sleep(0.2)
    last_lines = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
    raise SandboxError(
        "\n".join([f"The Docker Engine did not answer within {_START_TIMEOUT:.0f} seconds", *last_lines]),
        hint=f"The reason is likely in {log}.",
    )
