"""The record of a kind of backups: what is remembered from one run to the next, and shown to Prometheus."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from ansible.module_utils.roost_backup.errors import BackupError

FOLDER = Path("/var/lib/roost/backup")
# The folder from which Debian's prometheus-node-exporter reads.
METRICS = Path("/var/lib/prometheus/node-exporter")

# A name, what it says, and its value for each set of labels.
Gauge = tuple[str, str, dict[str, float]]


@dataclass
class Kept:
    """What is kept in a file from one run to the next."""

    @classmethod
    def load(cls, file: Path) -> Self:
        """Return what is remembered."""
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else cls()

    def keep(self, file: Path, metrics: Path, text: str) -> None:
        """Write it for the next run, and the text of its metrics."""
        write(file, json.dumps(asdict(self), indent=1) + "\n", 0o600)
        write(metrics, text, 0o644)


@dataclass
class Record(Kept):
    """How the last run went: when it failed, in seconds since the epoch, 0 if it did not, and why."""

    failed: float = 0
    reason: str = ""

    @contextmanager
    def changed(self, file: Path, metrics: Path, metrics_of: Callable[[Self], str]) -> Iterator[Self]:
        """Give the record to be changed; it is written, and shown as metrics, whatever happens meanwhile."""
        try:
            yield self
        finally:
            self.keep(file, metrics, metrics_of(self))

    @contextmanager
    def of_run(self, problems: Sequence[str]) -> Iterator[None]:
        """Record how a run goes that collects its problems. Raises BackupError in the end if there are any."""
        self.failed, self.reason = time.time(), "the run came to no end"
        yield
        self.failed, self.reason = time.time() if problems else 0, "; ".join(problems)
        if problems:
            raise BackupError("\n".join(problems))


def gauges_as_text(prefix: str, gauges: Sequence[Gauge]) -> str:
    """Gauges in the format that Prometheus' node exporter collects."""
    lines = []
    for name, help_text, values in gauges:
        lines += [f"# HELP {prefix}_{name} {help_text}", f"# TYPE {prefix}_{name} gauge"]
        lines += [f"{prefix}_{name}{label} {value}" for label, value in values.items()]
    return "\n".join(lines) + "\n"


def write(file: Path, text: str, mode: int) -> None:
    """Put a file of this mode in place, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as fresh:
        os.fchmod(fresh.fileno(), mode)
        fresh.write(text)
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(temporary).replace(file)
