"""Which logins an application has in use, by the files of its slots and the processes of its workers."""

import os
import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.logins import Use, logins_in_use, role_in
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_celery.loaded import present_digest

from tests.support.modules import load_module

module = load_module("app_logins")


def write_environment(file: Path, role: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'# Managed.\nA="1"\nDATABASE_URL="postgresql://{role}:p%2Fw@127.0.0.1:5432/atlas"\n')


def record(paths: AppPaths, program: str, digest: str, pid: int) -> None:
    """What celery-program writes."""
    folder = paths.root / "celery"
    folder.mkdir(exist_ok=True)
    (folder / f"{program}.loaded").write_text(f"{digest} {pid}\n")


def in_use(slots: Slots, **programs: int) -> list[tuple[str, str]]:
    named = {name.replace("_", "-"): pid for name, pid in programs.items()}
    return [(use.by, use.role) for use in logins_in_use(slots.paths, slots.systemd, named)]


def test_a_slot_that_ends_still_has_the_login_with_which_it_was_started(slots: Slots) -> None:
    paths = slots.paths
    write_environment(paths.environment, "atlas_app")
    slots.switch_to("one")
    write_environment(paths.environment, "atlas_app-2")
    write_environment(paths.command_environment, "atlas-2")
    files = [("what is started next", "atlas_app-2"), ("commands", "atlas-2")]
    assert in_use(slots) == [*files, ("atlas@blue.service", "atlas_app")]
    slots.switch_to("one")
    assert in_use(slots) == [*files, ("atlas@green.service", "atlas_app-2")]
    slots.systemd.active.add("atlas@blue.service")
    assert ("atlas@blue.service", "atlas_app") in in_use(slots)


def test_a_worker_that_finishes_its_tasks_has_the_login_in_its_environment(slots: Slots) -> None:
    paths = slots.paths
    write_environment(paths.environment, "atlas_app-2")
    present = present_digest("atlas", paths.host)
    for pid, variables in ((7, b"A=1\0DATABASE_URL=postgresql://atlas_app:p@h/atlas\0"), (8, b"celery: title")):
        (paths.host / "proc" / str(pid)).mkdir(parents=True)
        (paths.host / "proc" / str(pid) / "environ").write_bytes(variables)
    record(paths, "atlas-worker-blue", "older", 7)
    record(paths, "atlas-hidden-blue", "older", 8)
    record(paths, "atlas-worker-green", present, 9)
    record(paths, "atlas-idle-blue", "older", 3)
    running = {"atlas_worker_blue": 7, "atlas_hidden_blue": 8, "atlas_worker_green": 9, "atlas_idle_blue": 10}
    assert in_use(slots, **running, borea_worker_blue=11) == [
        ("what is started next", "atlas_app-2"),
        ("atlas-worker-blue", "atlas_app"),
        ("atlas-hidden-blue", ""),
    ]


def test_the_environment_of_a_real_process_is_read(slots: Slots, tmp_path: Path) -> None:
    write_environment(slots.paths.environment, "atlas_app-2")
    (tmp_path / "proc").symlink_to("/proc")
    paths = AppPaths("atlas", tmp_path)
    with subprocess.Popen(["sleep", "60"], env=os.environ | {"DATABASE_URL": "postgresql://me:p@h/d"}) as process:
        record(paths, "atlas-beat", "older", process.pid)
        found = logins_in_use(paths, slots.systemd, {"atlas-beat": process.pid})
        process.kill()
    assert Use("me", "atlas-beat") in found


def test_an_application_without_a_database_uses_none(slots: Slots) -> None:
    slots.paths.environment.parent.mkdir(parents=True, exist_ok=True)
    slots.paths.environment.write_text('A="1"\n')
    slots.switch_to("one")
    assert in_use(slots) == []
    assert role_in(slots.paths.host / "missing") == ""


@pytest.mark.parametrize(
    ("moved_to", "used", "waits"),
    [
        ("atlas_app-2", Use("atlas_app", "atlas@blue.service"), True),
        ("atlas_app-2", Use("", "atlas-worker"), True),
        ("atlas_app-2", Use("atlas_app-2", "atlas@blue.service"), False),
        ("atlas_app", Use("atlas_app", "atlas@blue.service"), False),
    ],
)
def test_only_what_an_application_that_has_moved_left_behind_is_waited_for(
    slots: Slots, moved_to: str, used: Use, waits: bool
) -> None:
    write_environment(slots.paths.environment, moved_to)
    assert module.leaving([slots.paths], {"atlas": [used]}, ["atlas_app"]) == waits
