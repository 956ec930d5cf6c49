"""A `restic` that answers as it is told to, and writes down how it was called."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_files import state
from ansible.module_utils.roost_files.restic import Restic

RESTIC = """#!/bin/sh
env | sort > "{folder}/environment"
echo "$@" >> "{folder}/calls"
for word; do [ -d "{folder}/answers/$word" ] && break; done
cd "{folder}/answers/$word" 2>/dev/null || exit 0
[ ! -e sleep ] || exec sleep 20
cat stdout; cat stderr >&2; exit "$(cat code)"
"""
ENVIRONMENT = """# Managed by Roost: changes made here are overwritten.
RESTIC_PASSWORD='open "sesame'"'"'s $HOME'
RESTIC_REPOSITORY=s3:https://s3.test:8333/backups/roost/files/vm1
BUCKET_LOOKUP=path
"""
SUMMARY = {
    "message_type": "summary",
    "total_files_processed": 3,
    "total_bytes_processed": 3000100,
    "data_added": 3002916,
    "snapshot_id": "e8afe109",
}


class FakeRestic:
    """What `restic` answers, by its command, and how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer("backup", json.dumps(SUMMARY))
        self.answer("snapshots", "[]")

    def answer(self, command: str, stdout: str = "", stderr: str = "", code: int = 0) -> None:
        place = self.folder / "answers" / command
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (("stdout", stdout), ("stderr", stderr), ("code", str(code))):
            (place / name).write_text(text)

    def hang(self, command: str) -> None:
        self.answer(command)
        (self.folder / "answers" / command / "sleep").touch()

    def calls(self) -> list[str]:
        """The commands, without the options."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [next(word for word in line.split() if not word.startswith("-")) for line in lines]

    def arguments(self) -> str:
        return (self.folder / "calls").read_text()

    def environment(self) -> str:
        return (self.folder / "environment").read_text()


@pytest.fixture
def restic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRestic:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "restic").write_text(RESTIC.format(folder=tmp_path))
    (programs / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr(state, "changed", partial(state.changed, tmp_path / "files.json", tmp_path / "files.prom"))
    return FakeRestic(tmp_path)


@pytest.fixture
def repository(tmp_path: Path, restic: FakeRestic) -> Restic:
    assert restic.folder == tmp_path
    return repository_at(tmp_path, "offsite", ENVIRONMENT)


@pytest.fixture
def known(tmp_path: Path) -> Callable[[], Any]:
    """What is remembered."""
    return partial(state.load, tmp_path / "files.json")


def repository_at(folder: Path, name: str, environment: str) -> Restic:
    (folder / f"{name}.env").write_text(environment)
    return Restic(name, folder, answer_seconds=1)
