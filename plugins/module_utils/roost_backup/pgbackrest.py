"""pgBackRest: what of it Roost uses. Another engine would take the place of this file and of its configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup import catalogue, verification
from ansible.module_utils.roost_backup.catalogue import Repository
from ansible.module_utils.roost_backup.commands import run_as_postgres
from ansible.module_utils.roost_backup.errors import BackupError

STANZA = "main"
# What pgBackRest says, and what it means.
MEANINGS = {
    "certificate has expired": "the server's certificate has expired, or this host's clock is wrong",
    "FormatError": "what is there can't be read with this passphrase",
    "CryptoError": "what is there can't be read with this passphrase",
    "request failed with 403": "the server refuses the access key",
    "public key authentication failed": "the server refuses the key: it must know what `roost backup-key` prints",
    "known hosts failure": "the server has a host key that isn't declared: add it to host_keys",
    "libssh2 handshake": "the server can't be reached",
    "sftp error [3]": "the account may not write to its path",
    "unable to get address": "the server's name is not known",
    "unable to connect to": "the server can't be reached",
    "unable to write": "it can't be written to; its disk may be full",
}

# The moment at which a backup ended.
AT_ONCE = "immediate"

# Runs a command and returns what it printed; raises BackupError.
Runner = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class PgBackRest:
    """One of its repositories, by its number in the configuration and the name that people know it by."""

    key: int
    name: str

    def look(self) -> Repository:
        """Tell what the repository holds. Raises BackupError if it can't be reached."""
        printed = self._run("info", "--output=json")
        try:
            found = catalogue.parse(json.loads(printed, strict=False), self.key)
        except ValueError:
            raise BackupError(f"{self.name}: pgbackrest printed no JSON but: {printed.strip()[:200]}") from None
        if found.problem:
            raise BackupError(f"{self.name}: {explained(found.problem)}")
        return found

    def back_up(self, kind: str) -> None:
        """Make a backup of this kind."""
        self._run("backup", f"--type={kind}", "--no-expire-auto")

    def verify(self) -> verification.Verification:
        """Read all that the repository holds and compare its checksums."""
        printed = self._run("verify", "--output=text", "--verbose")
        try:
            return verification.parse(printed)
        except ValueError:
            raise BackupError(f"the repository {self.name} can't be verified: {printed.strip()[:200]}") from None

    def expire(self, label: str) -> None:
        """Remove a backup, those that build on it, and the WAL that only they needed."""
        self._run("expire", f"--set={label}")

    def forget(self, label: str) -> None:
        """Remove a backup, and before that its entry in the history: before the newest one pgBackRest makes none."""
        history = f"backup/{STANZA}/backup.history"
        for file in self._run("repo-ls", "--recurse", f"--filter=/{label}[.]", path=history).split():
            self._run("repo-rm", path=f"{history}/{file}")
        self.expire(label)

    def expire_archive(self) -> None:
        """Remove the WAL that no point in time within the declared span needs."""
        self._run("expire")

    def restore(
        self, folder: str, label: str, *, until: str = "", runner: Runner = run_as_postgres, archives: bool = True
    ) -> None:
        """Write a data directory that will replay the archive: `until` a moment in PostgreSQL's notation, to its end,
        or only as far as the backup needs (AT_ONCE).

        Without `archives` the cluster archives nothing itself. `runner` runs the command as the user postgres.
        """
        kind = ["--type=immediate"] if until == AT_ONCE else [f"--target={until}", "--type=time"]
        moment = [*kind, "--target-action=promote"] if until else []
        mode = "preserve" if archives else "off"
        options = [f"--pg1-path={folder}", f"--set={label}", *moment, f"--archive-mode={mode}"]
        self._run("restore", *options, runner=runner)

    def _run(self, command: str, *options: str, path: str = "", runner: Runner = run_as_postgres) -> str:
        at = [path] if path else []
        try:
            return runner(["pgbackrest", f"--stanza={STANZA}", f"--repo={self.key}", *options, command, *at])
        except BackupError as problem:
            raise BackupError(f"{self.name}: {explained(str(problem))}") from None


def create_stanza() -> None:
    """Prepare all repositories for the cluster that runs; what is prepared already is left alone."""
    _run_for_all("stanza-create")


def archive(file: Path) -> None:
    """Bring a file of the log to all repositories; one that is there already is fine."""
    _run_for_all("--no-archive-async", "archive-push", str(file))


def _run_for_all(*arguments: str) -> None:
    try:
        run_as_postgres(["pgbackrest", f"--stanza={STANZA}", *arguments])
    except BackupError as problem:
        raise BackupError(explained(str(problem))) from None


def explained(problem: str) -> str:
    """Return what a failure means, if that is known."""
    return next((meaning for sign, meaning in MEANINGS.items() if sign in problem), problem)
