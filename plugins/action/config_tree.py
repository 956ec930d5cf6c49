"""Render a tree of templates here and hand it to the module of the same name in one run."""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

try:
    from roost.config_tree.declaration import Declaration, parse_declaration
    from roost.config_tree.errors import InvalidTree
    from roost.config_tree.expand import list_sources, plan_files
    from roost.config_tree.payload import encode_payload
    from roost.config_tree.render import Renderer
except ImportError as error:
    raise AnsibleError(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible ships no types
    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            declaration = parse_declaration(self._task.args)
            payload = self._payload(declaration, variables)
        except InvalidTree as problem:
            raise AnsibleActionFail(str(problem)) from None
        result: dict[str, Any] = self._execute_module(
            module_name="config_tree",
            module_args=_module_arguments(declaration, payload),
            task_vars=variables,
        )
        return result

    def _payload(self, declaration: Declaration, variables: dict[str, Any]) -> str:
        folder = self._templates_folder(declaration.src)
        planned = plan_files(declaration, folder, list_sources(folder))
        renderer = Renderer(self._templar, folder, variables)
        return encode_payload(declaration, [(file, renderer.content(file)) for file in planned])

    def _templates_folder(self, src: str | None) -> Path:
        role = self._task._role
        base = Path(role._role_path if role else self._loader.get_basedir())
        folder = base / (src or "templates")
        if src and not folder.is_dir():
            raise InvalidTree(f"src: there is no folder {folder}")
        return folder


def _module_arguments(declaration: Declaration, payload: str) -> dict[str, Any]:
    arguments = {
        "name": declaration.name,
        "dest": declaration.dest,
        "payload": payload,
        "validate": list(declaration.validate),
        "validate_timeout": declaration.validate_timeout,
        "confirm_within": declaration.confirm_within,
        "revert_command": list(declaration.revert_command),
        "units": [vars(unit) for unit in declaration.units],
    }
    if declaration.state_directory:
        arguments["state_directory"] = declaration.state_directory
    return arguments
