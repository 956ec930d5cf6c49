"""With which logins the processes of an application reach its database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible.module_utils.roost_app.paths import SLOTS, AppPaths
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_celery.loaded import has_begun, loaded_record, present_digest

ASSIGNMENT = re.compile(r'^DATABASE_URL="?([^"\n]*)"?$', re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """What uses a login; `role` is empty if that can't be known."""

    role: str
    by: str


def logins_in_use(paths: AppPaths, systemd: Systemd, programs: dict[str, int]) -> list[Use]:
    """Return what may still log in, and as whom.

    `programs` are the processes of supervisor's programs. What is started next, and commands, read the present files.
    """
    files = {
        "what is started next": paths.environment,
        "commands": paths.command_environment,
        **{unit: paths.slot_environment(slot) for slot, unit in _slots(paths, systemd)},
    }
    found = [Use(role, by) for by, file in files.items() if (role := role_in(file))]
    return [*found, *_workers(paths, programs)]


def role_in(file: Path) -> str:
    """Return the role in the database's URL of an environment file, "" if it has none."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    assigned = ASSIGNMENT.search(text)
    return _role(assigned[1]) if assigned else ""


def _slots(paths: AppPaths, systemd: Systemd) -> Iterator[tuple[str, str]]:
    """Yield each slot that runs, is about to end, or starts at boot, with its unit."""
    for slot in SLOTS:
        unit = paths.server.unit(slot, "service")
        if not systemd.rests(unit) or systemd.all_enabled(unit):
            yield slot, unit


def _workers(paths: AppPaths, programs: dict[str, int]) -> Iterator[Use]:
    """Yield the programs that have not loaded the present environment and release, as those that finish their tasks."""
    present = present_digest(paths.name, paths.host)
    for program, pid in programs.items():
        if not (program.startswith(f"{paths.name}-") and has_begun(paths.name, program, pid, paths.host)):
            continue
        if loaded_record(paths.name, program, paths.host)[0] != present:
            yield Use(_role_of_process(pid, paths.host), program)


def _role_of_process(pid: int, host: Path) -> str:
    """Return the role in the environment of a process, "" if it has hidden that behind its title."""
    try:
        variables = (host / "proc" / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    urls = [text.partition(b"=")[2].decode(errors="replace") for text in variables if text.startswith(b"DATABASE_URL=")]
    return _role(urls[0]) if urls else ""


def _role(url: str) -> str:
    return unquote(urlsplit(url).username or "")
