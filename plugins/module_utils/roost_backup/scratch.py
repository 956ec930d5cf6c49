"""A cluster beside the real one, restored from a backup for a while, within limits of memory, processor and disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ansible.module_utils.roost_backup.cluster import POLL_SECONDS, Cluster
from ansible.module_utils.roost_backup.commands import AS_POSTGRES, run
from ansible.module_utils.roost_backup.errors import BackupError

CLUSTER_UNIT = "roost-scratch-cluster.service"
COMMAND_UNIT = "roost-scratch-command.service"
PORT = 5439
START_SECONDS = 6 * 3600
SETTINGS = """\
hba_file = '{folder}/roost_hba.conf'
ident_file = ''
listen_addresses = ''
unix_socket_directories = '{socket}'
port = {port}
archive_mode = off
hot_standby = off
shared_preload_libraries = ''
shared_buffers = 64MB
max_connections = 20
track_commit_timestamp = on
fsync = off
"""


@dataclass(frozen=True)
class Scratch:
    """The cluster beside `real`; `memory_mb` bounds all of its processes together."""

    real: Cluster
    memory_mb: int

    @property
    def folder(self) -> Path:
        """The folder of its data, on the file system of the real one."""
        return _folder_beside(self.real)

    @property
    def socket(self) -> str:
        """The folder of its socket; it listens on nothing else."""
        return str(self.folder)

    @property
    def cluster(self) -> Cluster:
        """The cluster, to be asked."""
        return replace(self.real, port=PORT)

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL in it and return what it prints."""
        return self.cluster.sql(text, database, self.socket)

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Give an empty folder, and remove all traces at the end; what a killed run left goes first."""
        remove_scratch(self.real)
        try:
            run(["install", "-d", "-o", "postgres", "-g", "postgres", "-m", "0700", str(self.folder)])
            yield
        finally:
            remove_scratch(self.real)

    def run_limited(self, argv: Sequence[str]) -> str:
        """Run a command as postgres within the limits."""
        unit = ["--quiet", "--wait", "--pipe", "--collect", f"--unit={COMMAND_UNIT}"]
        limits = [f"--property={limit}" for limit in self._limits()]
        return run(["systemd-run", *unit, *limits, "--", *AS_POSTGRES, *argv])

    def start(self) -> None:
        """Start it from what was restored, and wait until it has replayed the archive."""
        hba = self.folder / "roost_hba.conf"
        settings = self.folder / "roost.conf"
        hba.write_text("local all postgres peer\n", encoding="utf-8")
        settings.write_text(SETTINGS.format(folder=self.folder, socket=self.socket, port=PORT), encoding="utf-8")
        for file in (hba, settings):
            shutil.chown(file, "postgres", "postgres")
        command = [self.real.program("postgres"), "-D", str(self.folder), "-c", f"config_file={settings}"]
        limits = [f"--property={limit}" for limit in [*self._limits(), "User=postgres", "KillSignal=SIGINT"]]
        run(["systemd-run", "--quiet", "--collect", f"--unit={CLUSTER_UNIT}", *limits, "--", *command])
        self._wait_until_open()

    def _wait_until_open(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (self.cluster.is_up(self.socket) and self.sql("SELECT pg_is_in_recovery()") == "f"):
            if run(["systemctl", "show", "--property=ActiveState", "--value", CLUSTER_UNIT]).strip() != "active":
                log = run(
                    ["journalctl", "--quiet", "--output=cat", "--lines=40", f"--unit={CLUSTER_UNIT}"]
                ).splitlines()
                told = [line for line in log if "FATAL" in line or "PANIC" in line][-3:] or log[-3:]
                raise BackupError("\n".join(["the restored cluster does not start:", *told]))
            if time.monotonic() > deadline:
                raise BackupError(f"the restored cluster did not replay its archive within {START_SECONDS} s")
            time.sleep(POLL_SECONDS)

    def _limits(self) -> list[str]:
        return [f"MemoryMax={self.memory_mb}M", "CPUWeight=20", "IOWeight=20", "Nice=10", "IOSchedulingClass=idle"]


def remove_scratch(real: Cluster) -> None:
    """Remove all traces of a cluster beside this one, such as a killed run left."""
    for unit in (COMMAND_UNIT, CLUSTER_UNIT):
        if run(["systemctl", "show", "--property=LoadState", "--value", unit]).strip() == "loaded":
            run(["systemctl", "stop", unit])
    if _folder_beside(real).exists():
        shutil.rmtree(_folder_beside(real))


def _folder_beside(real: Cluster) -> Path:
    return real.data.with_name("roost-scratch")
