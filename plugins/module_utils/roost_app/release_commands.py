"""The release commands of a release, such as migrations, and all that is done around them."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.roost_app import database, schema
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.commands import run_in_release
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.migrations import (
    READ_ONLY,
    Migrations,
    in_words,
    list_migrations,
    report,
    told_after,
    told_before,
)

# How PostgreSQL, psycopg and pg_dump say it.
LOCK_TIMEOUT = re.compile(r"lock timeout|LockNotAvailable|Query was: LOCK TABLE")
# Release commands may take their time: how long the whole of one may last is bounded.
NO_TIME_LIMITS = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"


@dataclass(frozen=True)
class ReleaseCommands:
    """The commands of one attempt. `listing` is a command that lists the release's migrations ("" for none), and
    `lock_timeout` the seconds that they wait for a lock of PostgreSQL (0 for no limit). `lift_time_limits` tells
    whether the database's other time limits don't apply to them. With `backups` above 0 the database is dumped before,
    and so many dumps are kept."""

    attempt: Attempt
    commands: list[str]
    listing: str
    lock_timeout: int
    lift_time_limits: bool
    backups: int

    def look(self) -> dict[str, Any]:
        """Tell which migrations would be applied. Changes nothing: PostgreSQL sees to it."""
        paths = self.attempt.paths
        listed = self._listed(read_only=True)
        if listed is None:
            return report(paths.name)
        return report(
            paths.name,
            pending=listed.pending,
            unknown=schema.unknown_to(paths, listed.known),
            told=told_before(paths.name, listed.pending),
        )

    def run(self) -> dict[str, Any]:
        """Dump the database if that is wanted, run the commands, and record which migrations there are now."""
        paths = self.attempt.paths
        before = self._listed()
        unknown = schema.unknown_to(paths, before.known) if before else []
        backup = self._back_up(before) if self.backups and (before is None or before.pending) else ""
        with self.attempt.phase("release_commands"):
            after = self._run_and_record(before)
        applied = [name for name in before.pending if name in after.applied] if before and after else []
        told = told_after(paths.name, applied)
        if backup:
            told.append(f"{paths.name}: the database of before is in {backup}.")
        return report(paths.name, applied=applied, unknown=unknown, backup=backup, told=told)

    def _run_and_record(self, before: Migrations | None) -> Migrations | None:
        if before and before.pending:
            schema.begin(self.attempt.paths, before)
        try:
            for command in self.commands:
                self._run(command, before)
        except ReleaseError:
            # The database may have some of them, and is not to be reached: the record says so then.
            with suppress(ReleaseError):
                self._record(self._listed())
            raise
        after = self._listed() if before and before.pending else before
        self._record(after)
        return after

    def _record(self, listed: Migrations | None) -> None:
        if listed is not None:
            schema.record(self.attempt.paths, self.attempt.release, listed)

    def _run(self, command: str, listed: Migrations | None) -> None:
        paths, release = self.attempt.paths, self.attempt.release
        try:
            run_in_release(command, paths.release(release), paths, pgoptions=self._pgoptions())
        except ReleaseError as problem:
            raise self._explained(f"`{command}`", problem, listed) from None

    def _explained(self, what: str, problem: ReleaseError, listed: Migrations | None) -> ReleaseError:
        """Return a failure as people are told of it; if it was a lock, by whom that may be held."""
        paths, release = self.attempt.paths, self.attempt.release
        said, reason = [str(problem)], problem.reason
        if self.lock_timeout and LOCK_TIMEOUT.search(said[0]):
            reason = f"{what} waited {self.lock_timeout} s for a lock of the database and gave up"
            said = [reason, *database.lock_holders(paths, paths.release(release))]
        if listed and listed.pending:
            said.append(f"It brings these migrations: {in_words(listed.pending)}")
        message = "\n".join([f"{paths.name}: release {release} does not go live: {said[0]}", *said[1:]])
        return ReleaseError(message, reason=reason)

    def _back_up(self, listed: Migrations | None) -> str:
        paths, release = self.attempt.paths, self.attempt.release
        name = f"{time.strftime('%Y-%m-%dT%H-%M-%SZ', time.gmtime())}-{release}.dump"
        folder = paths.release(release)
        try:
            with self.attempt.phase("backup"):
                return str(database.dump(paths, folder, name, keep=self.backups, lock_timeout=self.lock_timeout))
        except ReleaseError as problem:
            raise self._explained("`pg_dump`", problem, listed) from None

    def _listed(self, *, read_only: bool = False) -> Migrations | None:
        if not self.listing:
            return None
        paths, release = self.attempt.paths, self.attempt.release
        options = self._pgoptions(read_only=read_only)
        return list_migrations(self.listing, paths.release(release), paths, pgoptions=options)

    def _pgoptions(self, *, read_only: bool = False) -> str:
        """Return the options of the sessions; none if nothing needs them: some connection poolers refuse any."""
        if not self.lock_timeout and not self.lift_time_limits:
            return ""
        lifted = [NO_TIME_LIMITS] if self.lift_time_limits else []
        return " ".join([f"-c lock_timeout={self.lock_timeout}s", *lifted, *([READ_ONLY] if read_only else [])])
