"""The folder that keeps what a project's sandbox needs: key, ssh configuration, inventory, logs."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "ROOST_SANDBOX_DIR"


@dataclass(frozen=True)
class Folder:
    """Names every file of the sandbox folder; `root` is absolute."""

    root: Path

    @classmethod
    def of_current_project(cls) -> "Folder":
        """Return `$ROOST_SANDBOX_DIR`, or `.sandbox` in the working directory."""
        return cls(Path(os.environ.get(FOLDER_VARIABLE) or ".sandbox").resolve())

    @property
    def identity(self) -> str:
        """Six hex digits that tell this folder's hosts from those of other folders on the same Engine."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def key(self) -> Path:
        return self.root / "key"

    @property
    def public_key(self) -> Path:
        return self.root / "key.pub"

    @property
    def ssh_config(self) -> Path:
        return self.root / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def inventory(self) -> Path:
        return self.root / "inventory" / "hosts.yml"

    @property
    def engine_log(self) -> Path:
        return self.root / "dockerd.log"

    @property
    def image_log(self) -> Path:
        return self.root / "image.log"

    @contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """Let one process at a time change hosts and files of this folder; others wait."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Waiting for another sandbox command to finish")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
