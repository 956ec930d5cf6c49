#!/usr/bin/python
"""Tell which backups of files there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.health import iso
from ansible.module_utils.roost_files import state
from ansible.module_utils.roost_files.arguments import REPOSITORIES, SETS, repositories_of
from ansible.module_utils.roost_files.restic import Restic
from ansible.module_utils.roost_files.restoring import kept_aside

DOCUMENTATION = r"""
module: files_backups
short_description: Tell which backups of files there are
description:
  - Changes nothing.
author: The Roost authors
options:
  repositories:
    description: Names of the repositories; C(/etc/roost/restic/NAME.env) is the environment in which restic finds one.
    type: list
    elements: str
    required: true
  sets:
    description: The sets of files.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "Its name, such as that of an application.", type: str, required: true}
      paths: {description: "Its files and folders.", type: list, elements: str, required: true}
"""

EXAMPLES = r"""
- name: Look at the backups of files
  files_backups:
    repositories: [offsite]
    sets: [{name: atlas, paths: [/srv/atlas/media]}]
"""

RETURN = r"""
found:
  description: The snapshots of each repository, the last run, and what restores kept aside.
  returned: always
  type: dict
"""


def look(repository: Restic) -> dict[str, Any]:
    """Tell what a repository holds, or why it can't be told."""
    try:
        found = repository.snapshots()
    except BackupError as problem:
        return {"name": repository.name, "problem": str(problem), "snapshots": []}
    shown = [{"label": one.label, "name": one.name, "taken": iso(one.taken)} for one in found]
    return {"name": repository.name, "problem": "", "snapshots": shown}


def main() -> None:
    module = AnsibleModule(argument_spec={**REPOSITORIES, **SETS}, supports_check_mode=True)
    known = state.load()
    paths = [path for one in module.params["sets"] for path in one["paths"]]
    found = {
        "repositories": [look(repository) for repository in repositories_of(module.params)],
        "last": {"failed": iso(known.failed), "reason": known.reason},
        "kept_aside": [str(kept) for path in paths for kept in kept_aside(Path(path))],
    }
    module.exit_json(changed=False, found=found)


if __name__ == "__main__":
    main()
