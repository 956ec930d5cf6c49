"""How git reaches a server over ssh: with a deploy key that never lies on the disk, and known host keys."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ansible.module_utils.roost_app.commands import run

ASK_AND_WAIT_FOR_NOBODY = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}
OPTIONS = ("BatchMode=yes", "ConnectTimeout=15")
SSH_PORT = 22
SHORT_FORM = re.compile(r"(?:[^/:@]+@)?([^/:@]+):(?!//)")
HINT_FOR_HTTPS = "It asks for a password: for a private repository use its ssh address and a deploy key."


@dataclass(frozen=True)
class SshAccess:
    """What git needs for ssh.

    Without a deploy key the credentials of root count, or the agent that the operator's ssh has forwarded.
    `host_keys` are those of the server. Without any, the key met first is kept in `known_hosts`, and counts.
    """

    known_hosts: Path
    deploy_key: str = ""
    host_keys: tuple[str, ...] = ()

    @contextmanager
    def environment(self, url: str) -> Iterator[dict[str, str]]:
        """Give the variables with which git asks nobody."""
        with ExitStack() as stack:
            options = [*OPTIONS]
            if self.host_keys:
                name = known_name(url)
                lines = "".join(f"{name} {key}\n" for key in self.host_keys)
                options += ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={stack.enter_context(in_memory(lines))}"]
            else:
                options += ["StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={self.known_hosts}"]
            if self.deploy_key:
                key = stack.enter_context(in_memory(self.deploy_key))
                options += [f"IdentityFile={key}", "IdentitiesOnly=yes", "IdentityAgent=none"]
            agent = os.environ.get("SSH_AUTH_SOCK", "")
            yield {
                **ASK_AND_WAIT_FOR_NOBODY,
                "GIT_SSH_COMMAND": " ".join(["ssh", *(f"-o {option}" for option in options)]),
                **({"SSH_AUTH_SOCK": agent} if agent else {}),
            }

    def explain(self, url: str, problem: str) -> str:
        """Put what ssh and git say of a refused key or host in words that tell what to do."""
        if "Host key verification failed" in problem:
            where = "declared" if self.host_keys else f"kept in {self.known_hosts}"
            advice = "declare the new one" if self.host_keys else "remove that file"
            return (
                f"The host key of {known_name(url)} is not the one that is {where}.\n"
                f"If the server has a new one, {advice}; if you don't know of a new one, somebody may be in between."
            )
        if "Permission denied" in problem and "publickey" in problem:
            if not self.deploy_key:
                return f"{known_name(url)} lets nobody in without a key: declare a deploy key for {url}."
            return f"{known_name(url)} refuses the deploy key. Let it read {url}:\n{self._public_key()}"
        if "could not read Username" in problem or "Authentication failed" in problem:
            return f"{problem}\n{HINT_FOR_HTTPS}"
        return problem

    def _public_key(self) -> str:
        with in_memory(self.deploy_key) as key:
            return run(["ssh-keygen", "-y", "-f", key]).strip()


@contextmanager
def in_memory(text: str) -> Iterator[str]:
    """Give the path of a file that only root can read, and that ends with this process, however that ends."""
    descriptor = os.memfd_create("roost")
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, text.encode())
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def known_name(url: str) -> str:
    """Return the name by which a known_hosts file knows the server of a URL, or the URL if it has no server."""
    if short := SHORT_FORM.match(url):
        return short[1]
    parts = urlsplit(url)
    if parts.scheme != "ssh":
        return parts.hostname or url
    return f"[{parts.hostname}]:{parts.port}" if (parts.port or SSH_PORT) != SSH_PORT else str(parts.hostname)
