#!/usr/bin/python
"""Run the hooks of a deploy: commands in a release, and a smoke test of the site."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.commands import run_in_release
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.history import DEPLOY, ROLLBACK
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import target_name
from ansible.module_utils.roost_app.smoke import visit

DOCUMENTATION = r"""
module: app_hooks
short_description: Run the hooks of a deploy
description:
  - Runs what was declared for a point of a deploy, in its order. Commands run in the release as the application's user,
    or on the controller as the operator, with the facts of the deploy in the environment.
  - The first one that fails ends the module, and the release is marked as failed in the history of the application.
    At the point C(on_failure), and when a I(notice) can't be sent, there is only a warning.
  - Its action plugin runs what belongs on the controller, and sends the notices; they never reach a host.
author: The Roost authors
options:
  name: {description: Name of the application., type: str, required: true}
  point: {description: The point of the deploy., type: str, required: true}
  release: {description: Id of the release; empty before one is built., type: str, default: ""}
  commands:
    description: The commands, each with where (C(release) or C(controller)) and timeout.
    type: list
    elements: dict
    default: []
    suboptions:
      run: {description: The command., type: str, required: true}
      where: {description: C(release) or C(controller)., type: str, choices: [release, controller], default: release}
      timeout: {description: Seconds that it may take., type: int, default: 300}
  smoke: {description: Paths of the site that must answer., type: list, elements: str, default: []}
  domain: {description: Domain of the site., type: str, default: ""}
  address: {description: Where its web server is reached., type: str, default: ""}
  facts: {description: Environment variables that tell of the deploy., type: dict, default: {}}
  kind: {description: What is done., type: str, choices: [deploy, rollback], default: deploy}
  who: {description: Who deploys., type: str, default: ansible}
  run: {description: The run that has the turn., type: str, default: ""}
  failed: {description: Set by the action plugin; why a command on the controller failed., type: str, default: ""}
"""

EXAMPLES = r"""
- name: Warm the cache
  app_hooks:
    name: atlas
    point: after_switch
    release: 3f2a9c1d7e55
    commands: [{run: python manage.py warm_cache}]
"""

RETURN = r"""
commands: {description: The commands that were run., returned: success, type: list, elements: dict}
"""

COMMAND = {
    "run": {"type": "str", "required": True},
    "where": {"type": "str", "choices": ["release", "controller"], "default": "release"},
    "timeout": {"type": "int", "default": 300},
}
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "point": {"type": "str", "required": True},
    "release": {"type": "str", "default": ""},
    "commands": {"type": "list", "elements": "dict", "default": [], "options": COMMAND},
    "smoke": {"type": "list", "elements": "str", "default": []},
    "domain": {"type": "str", "default": ""},
    "address": {"type": "str", "default": ""},
    "facts": {"type": "dict", "default": {}},
    "kind": {"type": "str", "choices": [DEPLOY, ROLLBACK], "default": DEPLOY},
    "who": {"type": "str", "default": "ansible"},
    "run": {"type": "str", "default": ""},
    "failed": {"type": "str", "default": ""},
}


def run_hooks(paths: AppPaths, params: dict[str, Any]) -> None:
    """Run the commands and the smoke test; raise ReleaseError at the first that fails."""
    folder = paths.release(params["release"] or target_name(paths.current))
    for command in params["commands"] if folder.is_dir() else []:
        run_in_release(command["run"], folder, paths, environment=params["facts"], timeout=command["timeout"])
    for path in params["smoke"]:
        visit(params["address"], params["domain"], path)
    if params["failed"]:
        raise ReleaseError(params["failed"])


def run_in_turn(paths: AppPaths, params: dict[str, Any]) -> None:
    """Run them in the run's turn, timed as a phase, and record what fails."""
    point = params["point"]
    attempt = Attempt.of_built(paths, params["release"], params["who"], params["kind"], params["run"])
    with attempt.at_work(point), attempt.recorded_if_it_fails(), attempt.phase(point):
        try:
            run_hooks(paths, params)
        except ReleaseError as problem:
            raise ReleaseError(f"{paths.name}: {point}: {problem}", reason=f"{point}: {problem.reason}") from None


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    paths = AppPaths(params["name"])
    try:
        if not module.check_mode:
            run_in_turn(paths, params) if params["run"] else run_hooks(paths, params)
    except ReleaseError as problem:
        module.fail_json(msg=str(problem), rc=problem.exit_code)
    module.exit_json(changed=bool(params["commands"]), commands=params["commands"])


if __name__ == "__main__":
    main()
