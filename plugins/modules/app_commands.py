#!/usr/bin/python
"""Run the release commands of an application, such as migrations."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.errors import ReleaseError, as_result
from ansible.module_utils.roost_app.migrations import report, warnings
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.release_commands import ReleaseCommands
from ansible.module_utils.roost_app.releases import target_name

DOCUMENTATION = r"""
module: app_commands
short_description: Run the release commands of an application, such as migrations
description:
  - Runs each command in the source of a release, as the application's user, with its environment and its
    virtual environment, before the release goes live. Nothing is run for the release that is live already.
  - The first command that fails ends the module, with the last lines that it wrote, and the release is marked
    as failed in the history of the application.
  - With a I(listing) it knows the migrations. It records those that the release knows and those that the database
    has, which a rollback compares, and warns if the database has some that the release doesn't know.
  - In check mode it tells which migrations a complete release would apply.
author: The Roost authors
options:
  name: {description: Name of the application., type: str, required: true}
  release: {description: Id of a complete release; empty in check mode when it isn't known., type: str, required: true}
  commands: {description: Shell commands., type: list, elements: str, required: true}
  listing:
    description: Shell command that lists the migrations as Django's C(showmigrations --plan) or as Alembic does.
    type: str
    default: ""
  lock_timeout:
    description:
      - Seconds that the commands wait for a lock of PostgreSQL; 0 for no limit. It is given in C(PGOPTIONS), which all
        drivers that use libpq read, and which the application can override. asyncpg does not read it.
    type: int
    default: 0
  lift_time_limits:
    description:
      - Whether the other time limits of the database and its role, C(statement_timeout) and
        C(idle_in_transaction_session_timeout), don't apply to the commands. It is given in the same way.
    type: bool
    default: false
  backups:
    description: >-
      How many dumps of the database to keep in C(/var/backups/roost); one is made before migrations are applied, or
      before the commands if there is no I(listing). 0 for no dump.
    type: int
    default: 0
  who: {description: Who deploys., type: str, default: ansible}
  run: {description: The run that has the turn (M(app_turn)); without one only the lock counts., type: str, default: ""}
"""

EXAMPLES = r"""
- name: Migrate the database
  app_commands:
    name: atlas
    release: 3f2a9c1d7e55
    commands: [python manage.py migrate --noinput]
    listing: python manage.py showmigrations --plan
    lock_timeout: 10
    lift_time_limits: true
"""

RETURN = r"""
commands: {description: The commands that were run., returned: always, type: list, elements: str}
migrations:
  description: >-
    The migrations that are pending (in check mode), that were applied, and that the database has but the release does
    not know; the path of the backup; and lines that tell of it.
  returned: always
  type: dict
"""

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "commands": {"type": "list", "elements": "str", "required": True},
    "listing": {"type": "str", "default": ""},
    "lock_timeout": {"type": "int", "default": 0},
    "lift_time_limits": {"type": "bool", "default": False},
    "backups": {"type": "int", "default": 0},
    "who": {"type": "str", "default": "ansible"},
    "run": {"type": "str", "default": ""},
}


def bring(attempt: Attempt, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Run the commands, or in check mode tell what they would do; return what is told of the migrations."""
    commands = ReleaseCommands(
        attempt=attempt,
        commands=params["commands"],
        listing=params["listing"],
        lock_timeout=params["lock_timeout"],
        lift_time_limits=params["lift_time_limits"],
        backups=params["backups"],
    )
    if check_mode:
        return commands.look()
    with attempt.at_work("release_commands"), attempt.recorded_if_it_fails():
        return commands.run()


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    paths = AppPaths(module.params["name"])
    release = module.params["release"]
    is_live = bool(release) and target_name(paths.current) == release
    commands = [] if is_live else module.params["commands"]
    migrations = report(paths.name)
    if commands and release:
        attempt = Attempt.of_built(paths, release, module.params["who"], run=module.params["run"])
        try:
            migrations = bring(attempt, module.params, module.check_mode)
        except (ReleaseError, OSError) as problem:
            module.fail_json(**as_result(problem))
    for warning in warnings(paths.name, migrations["unknown"]):
        module.warn(warning)
    module.exit_json(changed=bool(commands), commands=commands, migrations=migrations)


if __name__ == "__main__":
    main()
