#!/usr/bin/python
"""Prepare pgBackRest's repositories for the cluster of this host."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import state
from ansible.module_utils.roost_backup.arguments import REPOSITORIES
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import PgBackRest, create_stanza

DOCUMENTATION = r"""
module: postgresql_stanza
short_description: Prepare pgBackRest's repositories for the cluster of this host
description:
  - Changes nothing where the repositories are prepared already.
  - Warns of a repository with backups of another cluster, such as after a server was set up anew, and leaves it alone.
  - A repository that was in use and can't be reached just now is a warning, too; one that was never in use is an error.
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
"""

EXAMPLES = r"""
- name: Prepare the repositories
  postgresql_stanza:
    repositories: [{key: 1, name: local}]
"""

RETURN = r"""
foreign: {description: Repositories with backups of another cluster., returned: always, type: list, elements: str}
"""


def main() -> None:
    module = AnsibleModule(argument_spec=REPOSITORIES, supports_check_mode=True)
    used = state.load().repositories
    missing, foreign = [], []
    try:
        system_id = find_cluster().system_id()
        for one in module.params["repositories"]:
            repository = PgBackRest(one["key"], one["name"])
            try:
                found = repository.look()
            except BackupError as problem:
                if repository.name not in used:
                    raise
                module.warn(f"The repository can't be reached: {problem}")
                continue
            if not found.exists:
                missing.append(repository.name)
            elif system_id not in found.system_ids[-1:]:
                foreign.append(repository.name)
        if foreign:
            module.warn(
                f"The repository {' and '.join(foreign)} holds backups of another cluster, so nothing is archived. "
                "Restore them here by playbooks/restore.yml (roost restore), or declare another path for this one's."
            )
        elif missing and not module.check_mode:
            create_stanza()
    except BackupError as problem:
        module.fail_json(msg=f"The repositories for backups can't be prepared: {problem}")
    module.exit_json(changed=bool(missing and not foreign), foreign=foreign)


if __name__ == "__main__":
    main()
