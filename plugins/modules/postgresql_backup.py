#!/usr/bin/python
"""Back PostgreSQL up: make what is due, verify everything, let go of what is old."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock
from ansible.module_utils.roost_backup.arguments import REPOSITORIES
from ansible.module_utils.roost_backup.backing_up import Run
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest
from ansible.module_utils.roost_backup.retention import Keep
from ansible.module_utils.roost_backup.scratch import remove_scratch

DOCUMENTATION = r"""
module: postgresql_backup
short_description: Back PostgreSQL up by pgBackRest
description:
  - Makes a backup in each repository, full or differential as is due, reads everything that the repositories hold and
    compares its checksums, dumps each database, and removes backups that are older than what is to be kept.
  - A repository that fails doesn't keep the others from getting their backups; the module fails in the end.
  - Nothing is removed from a repository while something is wrong with it.
  - Its state is in C(/var/lib/roost/backup/state.json), and as metrics for Prometheus' node exporter.
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
  kind: {description: "The kind of backup; what is due if empty.", type: str, choices: ["", full, diff], default: ""}
  full_every_days: {description: "Days between two full backups.", type: int, default: 7}
  keep_daily: {description: "Days of which the newest backup is kept.", type: int, default: 7}
  keep_weekly: {description: "Weeks of which the newest full backup is kept.", type: int, default: 4}
  keep_monthly: {description: "Months of which the newest full backup is kept.", type: int, default: 12}
  dumps: {description: "Logical dumps of each database that are kept; 0 for none.", type: int, default: 0}
  only_the_first:
    description:
      - Whether to make a backup only where there is none yet, and only of a small cluster, because it is waited for.
    type: bool
    default: false
  clock_is_right:
    description:
      - Whether to remove backups that are newer than now, which the host's clock made while it was ahead. Without it
        the module fails on them, because the clock may as well be behind now.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Back PostgreSQL up
  postgresql_backup:
    repositories: [{key: 1, name: local}]
"""

RETURN = r"""
kind: {description: The kind that was asked for., returned: always, type: str}
backups:
  description: What was made, with repository, label, kind, seconds, stored_bytes and ended.
  returned: always
  type: list
  elements: dict
expired: {description: Labels of the backups that were removed., returned: always, type: list, elements: str}
told: {description: What people should know., returned: always, type: list, elements: str}
"""

ARGUMENTS = {
    **REPOSITORIES,
    "kind": {"type": "str", "choices": ["", "full", "diff"], "default": ""},
    "full_every_days": {"type": "int", "default": 7},
    "keep_daily": {"type": "int", "default": 7},
    "keep_weekly": {"type": "int", "default": 4},
    "keep_monthly": {"type": "int", "default": 12},
    "dumps": {"type": "int", "default": 0},
    "only_the_first": {"type": "bool", "default": False},
    "clock_is_right": {"type": "bool", "default": False},
}
SMALL_BYTES = 2**30
SIZE = "SELECT sum(pg_database_size(oid)) FROM pg_database"


def without_backup(repositories: list[PgBackRest]) -> list[PgBackRest]:
    """Return the repositories that are prepared and have no backup yet."""
    return [one for one in repositories if (found := one.look()).exists and not found.backups]


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    repositories = [PgBackRest(one["key"], one["name"]) for one in params["repositories"]]
    names = {one.name for one in repositories}
    nothing = {"kind": params["kind"], "backups": [], "expired": [], "told": []}
    try:
        cluster = find_cluster()
        if params["only_the_first"]:
            repositories = without_backup(repositories)
            if not repositories or int(cluster.sql(SIZE)) > SMALL_BYTES:
                module.exit_json(changed=False, **nothing)
        if module.check_mode:
            module.exit_json(changed=True, **nothing)
        keep = Keep(params["keep_daily"], params["keep_weekly"], params["keep_monthly"])
        chosen = {name: params[name] for name in ("full_every_days", "dumps", "kind", "clock_is_right")}
        run = Run(cluster, repositories, names, keep, **chosen)
        with lock.held("backup"):
            remove_scratch(cluster)
            run.do()
    except (BackupError, OSError) as problem:
        module.fail_json(msg=f"The backup failed: {problem}")
    module.exit_json(changed=True, kind=params["kind"], backups=run.made, expired=run.expired, told=run.told)


if __name__ == "__main__":
    main()
