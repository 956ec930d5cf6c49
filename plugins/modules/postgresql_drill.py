#!/usr/bin/python
"""Restore the newest backup into a cluster beside the real one, examine it, and remove it again."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock, state
from ansible.module_utils.roost_backup.arguments import REPOSITORIES
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.drill import Drill
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest

DOCUMENTATION = r"""
module: postgresql_drill
short_description: Prove that the backups can be restored
description:
  - Restores the newest backup of the last repository, which is the one farthest away, into a cluster beside the real
    one, replays the archive to its end, counts rows, runs pg_amcheck and what the applications want to be true, and
    removes it.
  - Measures how long that took (RTO), and how much of what was committed when it began is missing (RPO).
  - Its result is in C(/var/lib/roost/backup/state.json), and as metrics for Prometheus' node exporter.
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
  memory_mb: {description: "Limit of the memory of the cluster beside the real one, in MiB.", type: int, default: 512}
  assertions:
    description: What must be true in the restored databases.
    type: list
    elements: dict
    default: []
    suboptions:
      database: {description: Name of the database., type: str, required: true}
      sql: {description: "Statements that return one boolean each.", type: list, elements: str, required: true}
"""

EXAMPLES = r"""
- name: Prove that the backups can be restored
  postgresql_drill:
    repositories: [{key: 1, name: local}]
    assertions: [{database: atlas, sql: [SELECT count(*) > 0 FROM auth_user]}]
"""

RETURN = r"""
drill:
  description: How it went, with when, ok, backup, repository, rpo_seconds, rto_seconds, checks and reason.
  returned: always
  type: dict
"""

ASSERTION = {
    "database": {"type": "str", "required": True},
    "sql": {"type": "list", "elements": "str", "required": True},
}
ARGUMENTS = {
    **REPOSITORIES,
    "memory_mb": {"type": "int", "default": 512},
    "assertions": {"type": "list", "elements": "dict", "default": [], "options": ASSERTION},
}
NOTHING = {"ok": False, "backup": "", "repository": "", "rpo_seconds": 0, "rto_seconds": 0, "checks": [], "reason": ""}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    if module.check_mode:
        module.exit_json(changed=True, drill={})
    last = params["repositories"][-1]
    result = {**NOTHING, "repository": last["name"]}
    try:
        drill = Drill(
            cluster=find_cluster(),
            repository=PgBackRest(last["key"], last["name"]),
            broken=list(state.load().broken),
            assertions={one["database"]: one["sql"] for one in params["assertions"]},
            memory_mb=params["memory_mb"],
        )
        with lock.held("restore drill"), state.changed() as known:
            try:
                result |= drill.do() | {"ok": True}
            except (BackupError, OSError) as problem:
                result["reason"] = str(problem)
            known.drill = {**result, "ended": time.time()}
    except BackupError as problem:
        module.fail_json(msg=f"No restore drill: {problem}")
    told = {**result, "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    if not result["ok"]:
        module.fail_json(msg=f"The restore drill failed: {result['reason']}", drill=told)
    module.exit_json(changed=True, drill=told)


if __name__ == "__main__":
    main()
