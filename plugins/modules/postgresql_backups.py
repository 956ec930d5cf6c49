#!/usr/bin/python
"""Tell which backups there are, and whether they can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import state
from ansible.module_utils.roost_backup.arguments import REPOSITORIES
from ansible.module_utils.roost_backup.catalogue import Backup
from ansible.module_utils.roost_backup.cluster import Cluster, find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.health import archive_is_failing, iso
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest
from ansible.module_utils.roost_backup.restoring import InPlace

DOCUMENTATION = r"""
module: postgresql_backups
short_description: Tell which backups there are, and whether they can be trusted
description:
  - Changes nothing.
author: The Roost authors
options:
  repositories:
    description: The repositories of pgBackRest's configuration.
    type: list
    elements: dict
    required: true
    suboptions:
      key: {description: "Its number.", type: int, required: true}
      name: {description: "What people call it.", type: str, required: true}
  keep_weekly:
    description: As many of the last full backups can be restored to any moment since they were made.
    type: int
    default: 4
"""

EXAMPLES = r"""
- name: Look at the backups
  postgresql_backups:
    repositories: [{key: 1, name: local}]
"""

RETURN = r"""
found:
  description: The backups of each repository, the last run, the last drill, the archive, and what restores kept aside.
  returned: always
  type: dict
"""

ARGUMENTS = {
    **REPOSITORIES,
    "keep_weekly": {"type": "int", "default": 4},
}


def described(backup: Backup, broken: dict[str, str]) -> dict[str, Any]:
    """A backup as people are told of it."""
    return {
        "label": backup.label,
        "kind": backup.kind,
        "ended": iso(backup.ended),
        "database_bytes": backup.database_bytes,
        "stored_bytes": backup.stored_bytes,
        "broken": broken.get(backup.label, ""),
    }


def look(repository: PgBackRest, broken: dict[str, str], fulls_with_archive: int) -> dict[str, Any]:
    """Tell what a repository holds, or why it can't be told."""
    try:
        found = repository.look()
    except BackupError as problem:
        return {"name": repository.name, "problem": str(problem), "since": "", "backups": []}
    fulls = [backup for backup in found.backups if backup.kind == "full" and backup.label not in broken]
    continuous = fulls[-fulls_with_archive:]
    return {
        "name": repository.name,
        "problem": "",
        "since": iso(continuous[0].ended) if continuous else "",
        "backups": [described(backup, broken) for backup in found.backups],
    }


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def archiving(cluster: Cluster) -> dict[str, Any]:
    """Tell whether the WAL is archived."""
    waiting = cluster.archiving if cluster.data.is_dir() else 0
    try:
        failing = archive_is_failing()
    except BackupError:
        return {"working": False, "waiting": waiting, "reason": "PostgreSQL does not answer"}
    return {"working": not failing, "waiting": waiting, "reason": "its last attempt failed" if failing else ""}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        cluster = find_cluster()
    except BackupError as problem:
        module.fail_json(msg=f"The backups can't be told: {problem}")
    known = state.load()
    repositories = [PgBackRest(one["key"], one["name"]) for one in params["repositories"]]
    drill = {key: value for key, value in known.drill.items() if key != "ended"}
    kept = InPlace(cluster).kept_aside()
    found = {
        "repositories": [look(repository, known.broken, params["keep_weekly"]) for repository in repositories],
        "last": {"succeeded": iso(known.succeeded), "failed": iso(known.failed), "reason": known.reason},
        "drill": {"when": iso(known.drill["ended"]), **drill} if known.drill else {},
        "archiving": archiving(cluster),
        "kept_aside": [{"path": str(path), "when": iso(path.stat().st_ctime), "bytes": size_of(path)} for path in kept],
    }
    module.exit_json(changed=False, found=found)


if __name__ == "__main__":
    main()
