"""An attempt to bring a release to life, and its entry in the history."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.history import DEPLOY, FAILED, LIVE, REASON_CHARACTERS, Entry, append, now
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import read_manifest
from ansible.module_utils.roost_app.turn import at_work, note, read_turn


@dataclass
class Attempt:
    """One attempt by somebody; what isn't known yet is empty. `phases` are seconds.

    `run` is the run of Ansible that has the turn; without one nothing is noted in a turn.
    """

    paths: AppPaths
    who: str
    kind: str = DEPLOY
    release: str = ""
    version: str = ""
    commit: str = ""
    source: str = ""
    run: str = ""
    phases: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of_built(cls, paths: AppPaths, release: str, who: str, kind: str = DEPLOY, run: str = "") -> Attempt:
        """Return an attempt with a release that is complete: its manifest and the run's turn tell the rest."""
        manifest = read_manifest(paths.release(release)) or {}
        phases = {} if kind != DEPLOY else dict(manifest.get("phases", {}))
        turn = read_turn(paths) if run else None
        if turn and turn.run == run:
            phases.update(turn.phases)
        return cls(paths, who, kind, release, **origin(manifest), run=run, phases=phases)

    def identify(self, manifest: Mapping[str, Any]) -> None:
        """Note which release it is, and what of."""
        self.release = str(manifest["release"])
        for key, value in origin(manifest).items():
            setattr(self, key, value)
        note(self.paths, self.run, release=self.release)

    @contextmanager
    def at_work(self, phase: str) -> Iterator[None]:
        """Hold the lock for a phase of the run; raise LockHeldError if somebody else has it, or the turn."""
        with at_work(self.paths, self.run, self.who, phase, self.release):
            yield

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase, also one that fails or goes on. A full disk must not hide why it failed."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(self.phases.get(name, 0) + time.monotonic() - started, 2)
            with suppress(OSError):
                note(self.paths, self.run, phases=self.phases)

    @contextmanager
    def recorded_if_it_fails(self) -> Iterator[None]:
        """Record a ReleaseError that ends the attempt, and let it pass. A full disk must not hide it."""
        try:
            yield
        except ReleaseError as problem:
            with suppress(OSError):
                append(self.paths.history, self._entry(FAILED, problem.reason))
                note(self.paths, self.run, outcome=FAILED, reason=problem.reason)
            raise

    def record_live(self) -> None:
        """Record that the release went live."""
        try:
            append(self.paths.history, self._entry(LIVE, ""))
            turn = read_turn(self.paths)
            # A rollback after a failed attempt of the same run leaves that a failed one.
            if turn and turn.outcome != FAILED:
                note(self.paths, self.run, outcome=LIVE)
        except OSError as problem:
            raise ReleaseError(
                f"{self.paths.name}: release {self.release} is live, but its history can't be written: {problem}"
            ) from problem

    def _entry(self, outcome: str, reason: str) -> Entry:
        return Entry(
            release=self.release,
            kind=self.kind,
            outcome=outcome,
            who=self.who,
            when=now(),
            reason=reason[:REASON_CHARACTERS],
            version=self.version,
            commit=self.commit,
            source=self.source,
            phases=self.phases,
        )


def origin(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the version, commit and source that a manifest tells of."""
    source = manifest.get("source", {})
    resolved, kind = str(manifest.get("version", "")), source.get("kind", "")
    return {
        "version": {"git": source.get("version", ""), "pypi": resolved}.get(kind, ""),
        "commit": resolved if kind == "git" else "",
        "source": source.get("location", ""),
    }
