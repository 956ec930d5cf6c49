"""restic: what of it Roost uses. Another engine would take the place of this file and of its configuration."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_backup.commands import last_lines
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import snapshots, ssh
from ansible.module_utils.roost_files.snapshots import Made, Snapshot

SETTINGS = Path("/etc/roost/restic")
CACHE = "/var/cache/roost/restic"
DAY_SECONDS = 86400
PARTS = 7
SOME_UNREAD = 3
# What restic says, and what it means.
MEANINGS = {
    "wrong password or no key found": "what is there can't be read with this passphrase: set the one it was made with",
    "Access Denied": "the server refuses the access key: set backups s3_key and s3_secret",
    "AccessDenied": "the server refuses the access key: set backups s3_key and s3_secret",
    "Access Key Id you provided does not exist": "the server refuses the access key: set backups s3_key and s3_secret",
    "signature we calculated does not match": "the server refuses the access key: set backups s3_key and s3_secret",
    "bucket does not exist": "the bucket does not exist: make it",
    "certificate signed by unknown authority": "the server's certificate is by an authority that isn't trusted: set ca",
    "no such host": "the server's name is not known",
    "connection refused": "the server can't be reached",
    "no route to host": "the server can't be reached",
    "i/o timeout": "the server can't be reached",
    "no space left on device": "the disk is full: make room on it",
    "Permission denied (": "the server refuses the key: it must know what `roost backup-key` prints",
    "Host key verification failed": "the server has a host key that isn't declared: add it to host_keys",
    "Could not resolve hostname": "the server's name is not known",
    "ssh: connect to host": "the server can't be reached",
    "timed out during banner exchange": "the server can't be reached",
    "kex_exchange_identification": "the server hangs up at once: it may have shut this host out for a while",
    "permission denied": "the account may not write to its path",
    "already locked": "somebody else is at work in the repository: wait, or run `restic unlock`",
}
ABSENT = (
    "The specified key does not exist",
    "config: no such file or directory",
    "config: file does not exist",
    "config file: Lstat: file does not exist",
)
# The options that stand in its environment, because restic reads no such variables itself.
OPTIONS = {"BUCKET_LOOKUP": "s3.bucket-lookup", "SFTP_COMMAND": "sftp.command"}


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months keep their newest snapshot."""

    daily: int
    weekly: int
    monthly: int


@dataclass(frozen=True)
class Size:
    """How many files and folders a snapshot has, and their bytes."""

    entries: int
    file_bytes: int


@dataclass(frozen=True)
class Restic:
    """One repository. Its address and its secrets are in a file of its name, which restic sees as its environment."""

    name: str
    settings: Path = SETTINGS
    answer_seconds: float = 30

    def exists(self) -> bool:
        """Tell whether there is a repository. Raises BackupError if it can't be reached or read."""
        done = self._run("cat", "config", timeout=self.answer_seconds)
        if done.returncode and any(sign in done.stderr for sign in ABSENT):
            return False
        self._check(done)
        return True

    @property
    def folder(self) -> Path | None:
        """The folder of this host that it is in; None if it is elsewhere."""
        place = self._environment()["RESTIC_REPOSITORY"]
        return Path(place) if place.startswith("/") else None

    @property
    def environment_file(self) -> Path:
        """The file with its address and its secrets."""
        return self.settings / f"{self.name}.env"

    def create(self) -> None:
        """Prepare an empty repository."""
        self._do("init")

    def unlock(self) -> None:
        """Remove the locks of runs on this host that were killed, and those that are old."""
        self._do("unlock")

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Tell what the repository holds, without taking a lock. Raises BackupError if it can't be reached."""
        if not self.exists():
            return ()
        return snapshots.parse(self._do("snapshots", "--json", "--no-lock"))

    def back_up(self, name: str, host: str, paths: list[str]) -> Made:
        """Make a snapshot. Raises BackupError if files that are still there could not be read."""
        done = self._run("backup", "--json", "--quiet", f"--host={host}", f"--tag={name}", "--", *paths)
        if done.returncode == SOME_UNREAD:
            if missed := [path for path in snapshots.unread(done.stderr) if os.path.lexists(path)]:
                raise BackupError(f"{self.name}: {name}: not all files could be read, such as {missed[0]}")
        else:
            self._check(done)
        try:
            return snapshots.parse_summary(done.stdout)
        except ValueError:
            raise BackupError(f"{self.name}: restic did not tell what it made") from None

    def verify(self, part: int) -> None:
        """Examine the structure of the repository, and read one of PARTS parts of its data."""
        done = self._run("check", f"--read-data-subset={part}/{PARTS}")
        if done.returncode:
            told = last_lines(done.stdout + done.stderr)
            meaning = self._meaning_of(done.stderr)
            raise BackupError(f"{self.name}: {meaning or 'the repository is damaged: ' + '; '.join(told)}")

    def forget(self, keep: Keep) -> None:
        """Remove the snapshots of each set that are too old, and the data that only they needed."""
        kept = (f"--keep-daily={keep.daily}", f"--keep-weekly={keep.weekly}", f"--keep-monthly={keep.monthly}")
        # Zero is as good as not said.
        self._do("forget", "--group-by=tags", *(option for option in kept if not option.endswith("=0")), "--prune")

    def size(self, label: str) -> Size:
        """Tell what a restore of a snapshot would write."""
        found = json.loads(self._do("stats", "--json", "--no-lock", "--mode=restore-size", label))
        return Size(found["total_file_count"], found["total_size"])

    def restore(self, label: str, path: str, target: Path) -> None:
        """Write what a snapshot has of `path` below `target`, and compare it with what is in the repository."""
        self._do("restore", label, f"--include={path}", f"--target={target}", "--verify")

    def _do(self, *arguments: str) -> str:
        done = self._run(*arguments)
        self._check(done)
        return done.stdout

    def _run(self, *arguments: str, timeout: float = DAY_SECONDS) -> subprocess.CompletedProcess[str]:
        environment = self._environment()
        options = [f"--option={option}={environment[name]}" for name, option in OPTIONS.items() if name in environment]
        try:
            return subprocess.run(
                ["restic", *options, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise BackupError("restic is not installed: run site.yml") from None
        except subprocess.TimeoutExpired as late:
            meaning = explained(_text(late.stderr)) or f"it did not answer within {timeout:g} s"
            raise BackupError(f"{self.name}: {meaning}") from None

    def _environment(self) -> Mapping[str, str]:
        """What only restic sees: nothing of it stands in the arguments of a process."""
        try:
            lines = shlex.split(self.environment_file.read_text(encoding="utf-8"), comments=True)
        except FileNotFoundError:
            raise BackupError(f"there is no {self.environment_file}: run site.yml") from None
        return {"PATH": os.environ.get("PATH", os.defpath), "RESTIC_CACHE_DIR": CACHE} | dict(
            line.split("=", 1) for line in lines
        )

    def _check(self, done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode:
            told = last_lines(done.stdout + done.stderr) or [f"restic failed with code {done.returncode}"]
            raise BackupError(f"{self.name}: {self._meaning_of(done.stderr) or '; '.join(told)}")

    def _meaning_of(self, problem: str) -> str:
        meaning = explained(problem)
        if meaning or ssh.NO_SESSION not in problem:
            return meaning
        return explained(ssh.complaint(self._environment()["SFTP_COMMAND"], self.answer_seconds))


def explained(problem: str) -> str:
    """Return what a failure means; nothing if that isn't known."""
    return next((meaning for sign, meaning in MEANINGS.items() if sign in problem), "")


def _text(printed: bytes | str | None) -> str:
    return printed.decode(errors="replace") if isinstance(printed, bytes) else printed or ""
