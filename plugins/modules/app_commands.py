#!/usr/bin/python
"""Run the release commands of an application, such as migrations."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.commands import run_in_release
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import target_name

DOCUMENTATION = r"""
module: app_commands
short_description: Run the release commands of an application, such as migrations
description:
  - Runs each command in the source of a release, as the application's user, with its environment and its
    virtual environment, before the release goes live. Nothing is run for the release that is live already.
  - The first command that fails ends the module, with the last lines that it wrote, and the release is marked
    as failed in the history of the application.
author: The Roost authors
options:
  name: {description: Name of the application., type: str, required: true}
  release: {description: Id of a complete release; empty in check mode when it isn't known., type: str, required: true}
  commands: {description: Shell commands., type: list, elements: str, required: true}
  who: {description: Who deploys., type: str, default: ansible}
  run: {description: The run that has the turn (M(app_turn)); without one only the lock counts., type: str, default: ""}
"""

EXAMPLES = r"""
- name: Migrate the database
  app_commands:
    name: atlas
    release: 3f2a9c1d7e55
    commands: [python manage.py migrate --noinput]
"""

RETURN = r"""
commands: {description: The commands that were run., returned: always, type: list, elements: str}
"""

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "commands": {"type": "list", "elements": "str", "required": True},
    "who": {"type": "str", "default": "ansible"},
    "run": {"type": "str", "default": ""},
}


def run_all(attempt: Attempt, commands: list[str]) -> None:
    """Run the commands one after the other; raise ReleaseError at the first that fails."""
    paths, release = attempt.paths, attempt.release
    with attempt.at_work("release_commands"), attempt.recorded_if_it_fails(), attempt.phase("release_commands"):
        for command in commands:
            try:
                run_in_release(command, paths.release(release), paths)
            except ReleaseError as problem:
                message = f"{paths.name}: release {release} does not go live: {problem}"
                raise ReleaseError(message, reason=problem.reason) from None


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    paths = AppPaths(module.params["name"])
    release = module.params["release"]
    is_live = bool(release) and target_name(paths.current) == release
    commands = [] if is_live else module.params["commands"]
    if commands and not module.check_mode:
        attempt = Attempt.of_built(paths, release, module.params["who"], run=module.params["run"])
        try:
            run_all(attempt, commands)
        except ReleaseError as problem:
            module.fail_json(msg=str(problem), rc=problem.exit_code)
    module.exit_json(changed=bool(commands), commands=commands)


if __name__ == "__main__":
    main()
