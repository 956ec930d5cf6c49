#!/usr/bin/python
"""Keep a copy of the project off-site."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files import project
from ansible.module_utils.roost_files.restic import Keep, Restic

DOCUMENTATION = r"""
module: files_project
short_description: Keep a copy of the project off-site
description:
  - Makes a snapshot of one file, which is encrypted already, in a repository of its own, examines that, and removes
    snapshots that are older than what is to be kept. Prepares the repository if it is empty.
  - Its state is in C(/var/lib/roost/backup/project.json), and as a metric for Prometheus' node exporter.
author: The Roost authors
options:
  path: {description: "The file.", type: path, required: true}
  repository:
    description: Name of the repository; C(/etc/roost/restic/NAME.env) is the environment in which restic finds it.
    type: str
    default: project
  host: {description: "The name of this host in the snapshots.", type: str, required: true}
  keep_daily: {description: "Days of which the newest snapshot is kept.", type: int, default: 7}
  keep_weekly: {description: "Weeks of which the newest snapshot is kept.", type: int, default: 4}
  keep_monthly: {description: "Months of which the newest snapshot is kept.", type: int, default: 12}
  only_if_changed:
    description:
      - Whether to do so only if the file, or the place of the repository, has changed since the last time.
      - If the repository was in use and can't be reached just now, that is a warning then.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Keep a copy of the project off-site
  files_project:
    path: /etc/roost/project.vault
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
ended: {description: "When the last copy was made, in seconds since the epoch.", returned: always, type: float}
"""

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "repository": {"type": "str", "default": project.NAME},
    "host": {"type": "str", "required": True},
    "keep_daily": {"type": "int", "default": 7},
    "keep_weekly": {"type": "int", "default": 4},
    "keep_monthly": {"type": "int", "default": 12},
    "only_if_changed": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    file, repository, last = Path(params["path"]), Restic(params["repository"]), project.load()
    if params["only_if_changed"] and last.ended and project.fingerprint(repository, file) == last.fingerprint:
        module.exit_json(changed=False, ended=last.ended)
    if module.check_mode:
        module.exit_json(changed=True, ended=last.ended)
    keep = Keep(params["keep_daily"], params["keep_weekly"], params["keep_monthly"])
    try:
        with lock.held("backup"):
            made = project.copy(repository, params["host"], file, keep)
            project.remember(made)
    except (BackupError, OSError) as problem:
        if not (params["only_if_changed"] and last.ended):
            module.fail_json(msg=f"The copy of the project failed: {problem}")
        module.warn(f"The project is not copied until the night: {problem}")
        module.exit_json(changed=False, ended=last.ended)
    module.exit_json(changed=True, ended=made.ended)


if __name__ == "__main__":
    main()
