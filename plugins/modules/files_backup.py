#!/usr/bin/python
"""Back files up: a snapshot of each set in each repository, a part of the data read again, what is old let go."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import state
from ansible.module_utils.roost_files.arguments import REPOSITORIES, SETS, repositories_of
from ansible.module_utils.roost_files.backing_up import Run
from ansible.module_utils.roost_files.first import find_first
from ansible.module_utils.roost_files.restic import Keep

DOCUMENTATION = r"""
module: files_backup
short_description: Back files up by restic
description:
  - Makes a snapshot of each set of files in each repository, prepares repositories that are empty, examines them and
    reads a seventh of their data, another one each day, and removes snapshots that are older than what is to be kept.
  - A repository or a set that fails doesn't keep the others from being backed up; the module fails in the end.
  - Nothing is removed from a repository while something is wrong with it.
  - Its state is in C(/var/lib/roost/backup/files.json), and as metrics for Prometheus' node exporter.
author: The Roost authors
options:
  repositories:
    description: Names of the repositories; C(/etc/roost/restic/NAME.env) is the environment in which restic finds one.
    type: list
    elements: str
    required: true
  host: {description: "The name of this host in the snapshots.", type: str, required: true}
  sets:
    description: The sets of files.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "Its name, such as that of an application.", type: str, required: true}
      paths: {description: "Its files and folders.", type: list, elements: str, required: true}
  keep_daily: {description: "Days of which the newest snapshot is kept.", type: int, default: 7}
  keep_weekly: {description: "Weeks of which the newest snapshot is kept.", type: int, default: 4}
  keep_monthly: {description: "Months of which the newest snapshot is kept.", type: int, default: 12}
  only_the_first:
    description:
      - Whether to back up only what this host has never backed up, and only if that is little, because it is waited
        for.
      - Sets of which the repositories hold backups of a host before are left alone with a warning, and so is a
        repository that was in use and can't be reached just now; one that was never in use is an error.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Back the uploads up
  files_backup:
    repositories: [offsite]
    host: "{{ inventory_hostname }}"
    sets: [{name: atlas, paths: [/srv/atlas/media]}]
"""

RETURN = r"""
files:
  description: What was made, with repository, name, label, ended, seconds, files, file_bytes and added_bytes.
  returned: always
  type: list
  elements: dict
"""

ARGUMENTS = {
    **REPOSITORIES,
    **SETS,
    "host": {"type": "str", "required": True},
    "keep_daily": {"type": "int", "default": 7},
    "keep_weekly": {"type": "int", "default": 4},
    "keep_monthly": {"type": "int", "default": 12},
    "only_the_first": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    repositories = repositories_of(params)
    sets = {one["name"]: one["paths"] for one in params["sets"]}
    declared = ([one.name for one in repositories], list(sets))
    try:
        if params["only_the_first"]:
            first = find_first(repositories, sets, state.load())
            for warning in first.warnings:
                module.warn(warning)
            repositories, sets = first.repositories, first.sets
            if not repositories:
                module.exit_json(changed=False, files=[])
        if module.check_mode:
            module.exit_json(changed=True, files=[])
        keep = Keep(params["keep_daily"], params["keep_weekly"], params["keep_monthly"])
        run = Run(params["host"], declared, repositories, sets, keep)
        with lock.held("backup"):
            run.do()
    except (BackupError, OSError) as problem:
        # On a bare host it can't be told yet.
        if module.check_mode:
            module.exit_json(changed=True, files=[])
        module.fail_json(msg=f"The backup of files failed: {problem}")
    module.exit_json(changed=True, files=run.made)


if __name__ == "__main__":
    main()
