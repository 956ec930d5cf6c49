#!/usr/bin/python
"""Put the files of an application back from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.health import iso
from ansible.module_utils.roost_backup.moment import seconds_of
from ansible.module_utils.roost_files.arguments import REPOSITORIES, repositories_of
from ansible.module_utils.roost_files.restic import Restic
from ansible.module_utils.roost_files.restoring import confirm, kept_aside, refuse_without_room, restore, undo
from ansible.module_utils.roost_files.snapshots import Snapshot, choose

DOCUMENTATION = r"""
module: files_restore
short_description: Put the files of an application back from a backup
description:
  - Restores the folder beside the present one, compares it with what is in the repository, and lets it take the place
    of the present one, which is kept aside until I(action=confirm) removes it or I(action=undo) brings it back.
  - In check mode it tells what would be restored, and changes nothing.
author: The Roost authors
options:
  repositories:
    description:
      - Names of the repositories, the preferred one first; C(/etc/roost/restic/NAME.env) is the environment in which
        restic finds one.
    type: list
    elements: str
    required: true
  name: {description: "The set of files; the user of this name owns them.", type: str, required: true}
  path: {description: "The folder to restore.", type: str, required: true}
  action:
    description: To restore, to remove what restores have kept aside, or to bring that back.
    type: str
    choices: [restore, confirm, undo]
    default: restore
  confirmed: {description: "Whether somebody has agreed to what is replaced.", type: bool, default: false}
  to:
    description: The moment, as C(2026-11-26 14:05:00+00), of which the last snapshot before it is taken; now if empty.
    type: str
    default: ""
  label: {description: "The snapshot; the newest fitting one if empty.", type: str, default: ""}
  source: {description: "The repository to restore from; any if empty.", type: str, default: ""}
"""

EXAMPLES = r"""
- name: Bring the uploads back
  files_restore:
    repositories: [local, offsite]
    name: atlas
    path: /srv/atlas/media
    confirmed: true
"""

RETURN = r"""
told: {description: "What is restored, and where the replaced files are.", returned: always, type: list, elements: str}
kept: {description: "Where the replaced files are kept.", returned: always, type: str}
"""

ARGUMENTS = {
    **REPOSITORIES,
    "name": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "action": {"type": "str", "choices": ["restore", "confirm", "undo"], "default": "restore"},
    "confirmed": {"type": "bool", "default": False},
    "to": {"type": "str", "default": ""},
    "label": {"type": "str", "default": ""},
    "source": {"type": "str", "default": ""},
}


def find(params: dict[str, Any]) -> tuple[Restic, Snapshot]:
    """Return what to restore, from the first repository that has it and can be reached."""
    until = seconds_of(params["to"])
    repositories = [one for one in repositories_of(params) if params["source"] in {"", one.name}]
    if not repositories:
        raise BackupError(f"there is no repository {params['source']}; there are: {', '.join(params['repositories'])}")
    problems = []
    for repository in repositories:
        try:
            found = choose(repository.snapshots(), params["name"], params["label"], until)
        except BackupError as problem:
            problems.append(str(problem))
            continue
        if found:
            return repository, found
    which = f"no snapshot {params['label']}" if params["label"] else "no fitting snapshot"
    names = ", ".join(one.name for one in repositories)
    raise BackupError("; ".join([f"there is {which} of the files of {params['name']} in {names}", *problems]))


def bring_back(params: dict[str, Any], folder: Path, *, check: bool) -> tuple[list[str], Path | None]:
    """Restore, unless nobody has agreed. Returns what to tell, and where the replaced files are."""
    repository, snapshot = find(params)
    what = f"the snapshot {snapshot.label} of {repository.name}, made at {iso(snapshot.taken)}"
    size = repository.size(snapshot.label)
    refuse_without_room(folder, size.file_bytes)
    holds = f"{size.entries} files and folders, {size.file_bytes / 2**20:.1f} MiB"
    told = [f"{folder} comes from {what}: {holds}. What is there now is kept aside."]
    if check:
        return told, None
    refuse_unless_agreed(params, told)
    with lock.held("restore"):
        kept = restore(repository, snapshot.label, folder, params["name"])
    told = [f"{folder} came from {what}."]
    if kept:
        told.append(f"What was there before is kept in {kept}: undo the restore, or confirm it to free the disk.")
    return told, kept


def settle(params: dict[str, Any], folder: Path, *, check: bool) -> tuple[list[str], Path | None]:
    """Confirm or undo what restores did before, unless nobody has agreed."""
    told = [f"Kept aside: {kept}." for kept in kept_aside(folder)] or ["Nothing was kept aside."]
    if check:
        return told, None
    refuse_unless_agreed(params, told)
    with lock.held("restore"):
        if params["action"] == "confirm":
            return [f"Removed {gone}." for gone in confirm(folder)] or ["Nothing was kept aside."], None
        kept = undo(folder)
    return [f"The files before are back; what the restore brought is kept in {kept}."], kept


def refuse_unless_agreed(params: dict[str, Any], told: list[str]) -> None:
    """Raise BackupError, telling what would be done, if nobody has agreed to it."""
    if not params["confirmed"]:
        raise BackupError("\n".join([*told, "Nothing was done: agree with -e backup_restore_confirmed=true."]))


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    act = bring_back if params["action"] == "restore" else settle
    try:
        told, kept = act(params, Path(params["path"]), check=module.check_mode)
    except (BackupError, OSError, KeyError) as problem:
        module.fail_json(msg=f"Not restored: {problem}")
    module.exit_json(changed=True, told=told, kept=str(kept or ""))


if __name__ == "__main__":
    main()
