"""The program celery-slot: only the live one of a pool's two slots becomes a worker."""

import subprocess
from pathlib import Path

import pytest

from tests.support.project import REPOSITORY

SCRIPT = REPOSITORY / "roles/celery/templates/usr/local/lib/roost/celery-slot"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """The program, with its files and the programs that it calls in another folder."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("celery-program", "sleep"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (programs / name).chmod(0o755)
    text = SCRIPT.read_text().replace("/srv/", f"{tmp_path}/srv/").replace("/usr/local/lib/roost", str(programs))
    script = tmp_path / "celery-slot"
    script.write_text(text.replace("set -eu", f"set -eu\nPATH={programs}:$PATH"))
    script.chmod(0o755)
    for folder in ("workers", "celery"):
        (tmp_path / "srv/atlas" / folder).mkdir(parents=True)
    return script


def run(script: Path, slot: str) -> tuple[int, str]:
    done = subprocess.run(
        [script, "atlas", "pool", slot, "worker", "-l x"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_live_slot_becomes_the_worker(start: Path) -> None:
    (start.parent / "srv/atlas/workers/pool").symlink_to("green")
    assert run(start, "green") == (0, "celery-program atlas pool-green worker -l x\n")


@pytest.mark.parametrize("live", ["", "blue"])
def test_another_one_ends_as_supervisor_expects(start: Path, live: str) -> None:
    if live:
        (start.parent / "srv/atlas/workers/pool").symlink_to(live)
    record = start.parent / "srv/atlas/celery/pool-green.loaded"
    record.touch()
    code, output = run(start, "green")
    assert not record.exists()
    configured = (REPOSITORY / "roles/celery/templates/etc/supervisor/conf.d/@name@.conf.j2").read_text()
    assert f"\nexitcodes={code}\n" in configured
    seconds = int(output.removeprefix("sleep "))
    assert f"\nstartsecs={seconds - 1}\n" in configured
