"""One run of the dumps, with programs that answer as they are told to; molecule runs the real ones."""

import json
import os
import pwd
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.roost_backup import dumps
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_dumps import state
from ansible.module_utils.roost_dumps.dumping import Dumped, NewerServerError, Run, refuse_newer_server

PSQL = """#!/bin/sh
[ "$PGHOST" = db.test ] || { echo "psql: error: no such host" >&2; exit 2; }
echo 17
"""
PG_DUMP = """#!/bin/sh
[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) $(cat "$FOLDER/version") (Debian)"; exit; }
echo "$@" "$PGUSER@$PGHOST/$PGDATABASE" >> "$FOLDER/calls"
for word; do case $word in --file=*) echo "$PGPASSWORD" > "${word#--file=}";; esac; done
"""
PG_RESTORE = """#!/bin/sh
[ -s "$2" ] && ! [ -e "$FOLDER/unreadable" ] || { echo "pg_restore: error: input file is too short" >&2; exit 1; }
"""
ATLAS = Dumped("atlas", "postgresql://atlas:secret@db.test/places?sslmode=require", 2)
LOST = Dumped("lost", "postgresql://lost:secret@gone.test/lost", 2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("psql", PSQL), ("pg_dump", PG_DUMP), ("pg_restore", PG_RESTORE)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "version").write_text("17.6")
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("FOLDER", str(tmp_path))
    monkeypatch.setattr(state, "changed", partial(state.changed, tmp_path / "dumps.json", tmp_path / "dumps.prom"))
    me = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: me)
    return tmp_path


def remembered(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dumps.json").read_text())
    return found


def test_a_dump_is_made_read_remembered_and_measured(folder: Path) -> None:
    run = Run([ATLAS], folder / "databases")
    run.do()
    (made,) = run.made
    file = Path(made["file"])
    assert re.fullmatch(r"atlas-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.dump", file.name)
    assert file.read_text() == "secret\n"
    assert (folder / "databases").stat().st_mode & 0o777 == 0o700
    call = (folder / "calls").read_text()
    assert "secret" not in call
    assert "atlas@db.test/places" in call
    known = remembered(folder)
    assert (known["databases"]["atlas"]["bytes"], known["failed"], known["reason"]) == (7, 0, "")
    assert 'roost_dumps_bytes{database="atlas"} 7\n' in (folder / "dumps.prom").read_text()


def test_only_the_newest_are_kept_of_each_name(folder: Path) -> None:
    place = folder / "databases"
    place.mkdir()
    for name in ("atlas-2026-11-0{}T02-30-00Z.dump", "atlas_two-2026-11-0{}T02-30-00Z.dump"):
        for day in (1, 2, 3):
            (place / name.format(day)).write_text("x")
    (place / "atlas-2026-11-04T02-30-00Z.unfinished").touch()
    Run([ATLAS], place).do()
    kept = [path.name for path in dumps.dumps_of("atlas", place)]
    assert len(kept) == 2
    assert kept[0] == "atlas-2026-11-03T02-30-00Z.dump"
    assert len(dumps.dumps_of("atlas_two", place)) == 3
    assert not list(place.glob("*.unfinished"))


def test_one_that_fails_holds_up_no_other_and_keeps_what_there_is(folder: Path) -> None:
    run = Run([LOST, ATLAS], folder / "databases")
    with pytest.raises(BackupError, match="dump of lost: psql: error: no such host"):
        run.do()
    assert [made["name"] for made in run.made] == ["atlas"]
    assert remembered(folder)["reason"].startswith("dump of lost")
    (folder / "unreadable").touch()
    with pytest.raises(BackupError, match="input file is too short"):
        Run([ATLAS], folder / "databases").do()
    assert len(list((folder / "databases").iterdir())) == 1
    assert list(remembered(folder)["databases"]) == ["atlas"]


@pytest.mark.parametrize(("version", "refused"), [("17.6", False), ("18beta1", False), ("15.14", True)])
def test_a_server_is_not_newer_than_the_programs(folder: Path, version: str, refused: bool) -> None:
    (folder / "version").write_text(version)
    if not refused:
        refuse_newer_server(ATLAS.url)
        return
    with pytest.raises(NewerServerError, match="has PostgreSQL 17, which pg_dump of this host, version 15"):
        refuse_newer_server(ATLAS.url)
