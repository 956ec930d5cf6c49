"""The application's git repository: a bare mirror on the host, with the credentials of the host's root."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ansible.module_utils.roost_app.commands import run
from ansible.module_utils.roost_app.errors import ReleaseError

FULL_HASH = re.compile(r"[0-9a-f]{40}")
ASK_NOBODY = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}


class Repository:
    """The mirror in `folder` of the repository at `url`."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url

    def resolve(self, version: str) -> str:
        """Return the commit (40 hexadecimal digits) that a branch, tag or commit stands for today.

        Nothing is fetched for it. Returns "" if the remote has no branch or tag of that name: it may be a
        shortened commit.
        """
        if FULL_HASH.fullmatch(version):
            return version
        names = [version, f"{version}^{{}}"] if version else ["HEAD"]
        return commit_of(self._git("ls-remote", "--", self._url, *names), version or "HEAD")

    def fetch(self, version: str, commit: str) -> str:
        """Bring the mirror up to date unless it has the commit, and return the commit of the version."""
        if commit and self._has(commit):
            return commit
        self._update()
        wanted = f"{commit or version}^{{commit}}"
        command = ["git", "-C", str(self._folder), "rev-parse", "--verify", "--quiet", "--end-of-options", wanted]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode != 0:
            raise ReleaseError(f"{public(self._url)} has no branch, tag or commit {version}")
        return found.stdout.strip()

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into a folder, without its history."""
        archive = folder.with_name(".source.tar")
        self._git("-C", str(self._folder), "archive", "--format=tar", f"--output={archive}", commit)
        run(["tar", "--extract", "--no-same-owner", "--file", str(archive), "--directory", str(folder)])
        archive.unlink()

    def _has(self, commit: str) -> bool:
        command = ["git", "-C", str(self._folder), "cat-file", "-e", f"{commit}^{{commit}}"]
        return self._folder.is_dir() and subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _update(self) -> None:
        if self._folder.is_dir():
            self._git("-C", str(self._folder), "remote", "set-url", "origin", self._url)
            self._git("-C", str(self._folder), "fetch", "--quiet", "--prune", "origin")
            return
        staged = self._folder.with_name(f".{self._folder.name}.next")
        shutil.rmtree(staged, ignore_errors=True)
        self._git("clone", "--quiet", "--mirror", self._url, str(staged))
        staged.chmod(0o700)
        staged.rename(self._folder)

    def _git(self, *arguments: str) -> str:
        try:
            return run(["git", *arguments], environment=ASK_NOBODY)
        except ReleaseError as problem:
            raise ReleaseError(str(problem).replace(self._url, public(self._url))) from None


def commit_of(listing: str, version: str) -> str:
    """Choose the commit of a version in what `git ls-remote` printed: a tag's own commit, a tag, a branch."""
    commits = {}
    for line in listing.splitlines():
        commit, reference = line.split("\t")
        commits[reference] = commit
    candidates = [f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}", version]
    return next((commits[reference] for reference in candidates if reference in commits), "")


def public(url: str) -> str:
    """Return the URL without a user's name and password."""
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and "@" in parts.netloc:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return urlunsplit(parts)
