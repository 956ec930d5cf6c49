"""Sandbox hosts for the tests, and what is true of them."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.support.project import REPOSITORY

SANDBOX = Path(os.environ.get("ROOST_SANDBOX_DIR", REPOSITORY / ".sandbox"))
PARTS = ("web", "app", "worker", "database", "cache")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
REBOOT_SECONDS = 120

CURL = ("curl", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*")
FINGERPRINT = Path(__file__).with_name("fingerprint.sh").read_text()


class Host:
    """A sandbox host, reached as the toolkit reaches it: over ssh."""

    def __init__(self, name: str) -> None:
        self.name = name
        inventory = yaml.safe_load((SANDBOX / "inventory" / "hosts.yml").read_text())["all"]
        self.variables: dict[str, str] = inventory["hosts"][name]
        self.address = self.variables["ansible_host"]

    def inventory(self, alias: str = "") -> dict[str, object]:
        """Return the inventory of a single server that plays every part, under another name if one is given."""
        name = alias or self.name
        children = {part: {"hosts": {name: {}}} for part in PARTS}
        return {"all": {"hosts": {name: self.variables}, "children": children}}

    def run(self, script: str, check: bool = True) -> str:
        """Run a shell script as root on the host and return what it printed."""
        done = subprocess.run(
            self._shell,
            input=script,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{self.name}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    @contextmanager
    def connected(self) -> Iterator[subprocess.Popen[str]]:
        """Start a shell as root, connected already, so that the script that it is given later begins at once."""
        with subprocess.Popen(self._shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
            assert shell.stdin
            assert shell.stdout
            shell.stdin.write("echo\n")
            shell.stdin.flush()
            shell.stdout.readline()
            yield shell

    @property
    def _shell(self) -> list[str]:
        return ["ssh", "-F", str(SANDBOX / "ssh_config"), self.name, "bash", "-s"]

    def reboot(self) -> None:
        """Reboot, and wait until everything that starts at boot has been started."""
        boot = self.run(f"cat {BOOT_ID}")
        self.run("systemctl reboot", check=False)
        deadline = time.monotonic() + REBOOT_SECONDS
        while time.monotonic() < deadline:
            time.sleep(2)
            answer = self.run(f"cat {BOOT_ID}; systemctl is-system-running --wait", check=False)
            if answer and not answer.startswith(boot):
                return
        raise AssertionError(f"{self.name} did not come back within {REBOOT_SECONDS} s")

    def fingerprint(self) -> list[str]:
        """Return one line for everything that makes this host what it is."""
        return self.run(FINGERPRINT).splitlines()

    def curl(self, url: str, *options: str) -> str:
        """Fetch a URL of the site at this host, verifying its certificate, and return the body of a good answer."""
        done = self._curl(url, "--fail-with-body", *options)
        if done.returncode:
            raise AssertionError(f"{url}: {done.stderr}\n{done.stdout[-2000:]}")
        return done.stdout

    def status(self, url: str) -> int:
        """Fetch a URL of the site at this host and return the status of the answer."""
        return int(self._curl(url, "--output", "/dev/null", "--write-out", "%{http_code}").stdout)

    def _curl(self, url: str, *options: str) -> subprocess.CompletedProcess[str]:
        certificate = self.run("cat /etc/roost/tls/*/fullchain.pem")
        domain = urlsplit(url).hostname
        resolve = [part for port in (80, 443) for part in ("--resolve", f"{domain}:{port}:{self.address}")]
        return subprocess.run(
            [*CURL, *resolve, "--cacert", "/dev/stdin", *options, url],
            input=certificate,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, url: str, *options: str) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.curl(url, *options))
        return document


def roost(*arguments: str) -> None:
    subprocess.run(["roost", *arguments], cwd=REPOSITORY, check=True)


@contextmanager
def sandbox_host(name: str, release: str) -> Iterator[Host]:
    """Boot a fresh host and remove it at the end."""
    roost("sandbox", "down", name)
    roost("sandbox", "up", name, "--release", release)
    try:
        yield Host(name)
    finally:
        roost("sandbox", "down", name)
