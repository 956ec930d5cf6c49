"""What must outlive a run that asks for certificates, killed ones included."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.acme import ATTEMPTS_SECONDS, Failure, Request

STATE_FILE = Path("/var/lib/roost/tls/state.json")


@dataclass
class State:
    """`asked` are the certificates that were ever asked for; `emails` are those of the accounts, by directory URL."""

    asked: list[str] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    failed_at: dict[str, list[float]] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path = STATE_FILE) -> State:
        """Read the state; the one of an earlier version may lack parts."""
        raw: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        failures = {
            name: Failure(
                Request(**{**entry["request"], "domains": tuple(entry["request"]["domains"])}),
                entry["at"],
                entry["reason"],
            )
            for name, entry in raw.get("failures", {}).items()
        }
        return cls(raw.get("asked", []), failures, raw.get("failed_at", {}), raw.get("emails", {}))

    def save(self, file: Path = STATE_FILE) -> None:
        """Replace the state in one step."""
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n")
        fresh.replace(file)

    def failed(self, failure: Failure) -> None:
        """Remember an attempt that failed."""
        name = failure.request.name
        recent = [at for at in self.failed_at.get(name, []) if failure.at - ATTEMPTS_SECONDS < at <= failure.at]
        self.failures[name] = failure
        self.failed_at[name] = [*recent, failure.at]

    def succeeded(self, name: str) -> None:
        """Forget the failures of a certificate that was issued."""
        self.failures.pop(name, None)
        self.failed_at.pop(name, None)
