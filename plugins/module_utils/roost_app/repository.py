"""The application's git repository: a bare copy on the host of its branches and tags."""

from __future__ import annotations

import re
import shutil
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ansible.module_utils.roost_app.commands import run
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.ssh_access import SshAccess

FULL_HASH = re.compile(r"[0-9a-f]{40}")
PART_OF_HASH = re.compile(r"[0-9a-f]{4,40}")
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
LATEST = 5
SUBMODULE = "160000"


class Repository:
    """The copy in `folder` of the repository at `url`."""

    def __init__(self, folder: Path, url: str, access: SshAccess) -> None:
        self._folder = folder
        self._url = url
        self._access = access

    def resolve(self, version: str) -> str:
        """Return the commit (40 hexadecimal digits) that a branch, tag or commit stands for today.

        Nothing is fetched for it. Returns "" for what may be a shortened commit and is not known here yet; raises
        ReleaseError for a name that the remote doesn't have.
        """
        if FULL_HASH.fullmatch(version):
            return version
        names = [version, f"{version}^{{}}"] if version else ["HEAD"]
        if commit := commit_of(self._list(*names), version or "HEAD"):
            return commit
        if not PART_OF_HASH.fullmatch(version):
            raise self._unknown(version)
        return self._find(version)

    def fetch(self, version: str, commit: str) -> str:
        """Bring the copy up to date unless it has the commit, and return the commit of the version."""
        wanted = commit or version
        if found := self._find(wanted):
            return found
        self._update()
        if found := self._find(wanted) or self._fetch_single(wanted):
            return found
        raise self._unknown(version)

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into a folder, without its history, writable by their owner only."""
        archive = folder.with_name(".source.tar")
        self._local("-c", "tar.umask=0022", "archive", "--format=tar", f"--output={archive}", commit)
        run(["tar", "--extract", "--no-same-owner", "--file", str(archive), "--directory", str(folder)])
        archive.unlink()

    def left_out(self, commit: str) -> list[str]:
        """Tell what a commit has that its export doesn't: submodules, and files in Git LFS."""
        modes = modes_in(self._local("ls-tree", "-r", "-z", commit))
        told = [f"the submodule {path} is left out" for path, mode in modes.items() if mode == SUBMODULE]
        attributes = [path for path in modes if Path(path).name == ".gitattributes"]
        if any("filter=lfs" in self._local("cat-file", "blob", f"{commit}:{path}") for path in attributes):
            told.append("files in Git LFS are left out: only their pointers are there")
        return told

    def _find(self, version: str) -> str:
        """Return the commit of a commit (perhaps a shortened one), "" if it is not here."""
        if not self._folder.is_dir() or not PART_OF_HASH.fullmatch(version):
            return ""
        try:
            return self._local("rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}").strip()
        except ReleaseError:
            return ""

    def _fetch_single(self, commit: str) -> str:
        """Fetch a commit that is on no branch and no tag: many servers give it to those who know it."""
        if not FULL_HASH.fullmatch(commit):
            return ""
        try:
            self._fetch(self._folder, commit)
        except ReleaseError:
            return ""
        return self._find(commit)

    def _update(self) -> None:
        """Fetch all branches and tags. A copy that a killed run has damaged is made anew."""
        if self._folder.is_dir():
            try:
                self._fetch(self._folder, *EVERYTHING)
            except ReleaseError:
                pass
            else:
                return
        staged = self._folder.with_name(f".{self._folder.name}.next")
        shutil.rmtree(staged, ignore_errors=True)
        run(["git", "init", "--quiet", "--bare", str(staged)])
        staged.chmod(0o700)
        self._fetch(staged, *EVERYTHING)
        if self._folder.is_dir():
            shutil.rmtree(self._folder)
        staged.rename(self._folder)

    def _unknown(self, version: str) -> ReleaseError:
        names = names_in(self._list())
        close = get_close_matches(version, names, n=1)
        hint = f'Did you mean "{close[0]}"?' if close else f"There are, for instance: {', '.join(names[-LATEST:])}."
        told = f"{public(self._url)} has no branch, tag or commit {version}."
        return ReleaseError(f"{told} {hint}" if names else told)

    def _list(self, *names: str) -> str:
        return self._remote("ls-remote", "--", self._url, *names)

    def _fetch(self, folder: Path, *references: str) -> None:
        self._remote("-C", str(folder), "fetch", "--quiet", "--prune", "--", self._url, *references)

    def _remote(self, *arguments: str) -> str:
        try:
            with self._access.environment(self._url) as environment:
                return run(["git", *arguments], environment=environment)
        except ReleaseError as problem:
            told = self._access.explain(self._url, str(problem))
            raise ReleaseError(told.replace(self._url, public(self._url))) from None

    def _local(self, *arguments: str) -> str:
        return run(["git", "-C", str(self._folder), *arguments])


def commit_of(listing: str, version: str) -> str:
    """Choose the commit of a version in what `git ls-remote` printed: a tag's own commit, a tag, a branch."""
    commits = {}
    for line in listing.splitlines():
        commit, reference = line.split("\t")
        commits[reference] = commit
    candidates = [f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}", version]
    return next((commits[reference] for reference in candidates if reference in commits), "")


def names_in(listing: str) -> list[str]:
    """Return the branches and tags in what `git ls-remote` printed."""
    found = re.findall(r"\trefs/(?:heads|tags)/(.+)$", listing, re.MULTILINE)
    return list(dict.fromkeys(name.removesuffix("^{}") for name in found))


def modes_in(listing: str) -> dict[str, str]:
    """Return the mode of each path in what `git ls-tree -z` printed."""
    entries = [entry.split("\t", 1) for entry in listing.split("\0") if entry]
    return {path: about.split(" ")[0] for about, path in entries}


def public(url: str) -> str:
    """Return the URL without a user's name and password."""
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and "@" in parts.netloc:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return urlunsplit(parts)
