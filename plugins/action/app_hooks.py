"""Action plugin of the module app_hooks: runs what belongs on the controller, and tells those who want to know."""

import os
import subprocess
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

try:
    from roost.notices import NoticeError, tell
    from roost.paths import project_root
except ImportError as error:
    raise AnsibleActionFail(
        f"Roost's Python package is missing ({error}): run scripts/setup and use .venv/bin/ansible-playbook"
    ) from error

TAIL_LINES = 8
ON_FAILURE = "on_failure"


class ActionModule(ActionBase):
    """Runs the commands one after the other, each where it belongs."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        arguments["facts"] = {**arguments["facts"], "ROOST_POINT": arguments["point"]}
        smoke = list(arguments.pop("smoke", []))
        commands = [
            {key: command[key] for key in ("run", "where", "timeout") if key in command}
            for command in arguments.pop("commands", [])
        ]
        notices = list(arguments.pop("notices", []))
        result |= {"changed": bool(commands), "warnings": []}
        if self._task.check_mode:
            return result
        steps = [{"commands": [command]} for command in commands] + ([{"smoke": smoke}] if smoke else [])
        for step in steps:
            failed = self._run(step, arguments, task_vars)
            if failed and arguments["point"] == ON_FAILURE:
                result["warnings"].append(str(failed["msg"]).splitlines()[0])
            elif failed:
                return failed
        for notice in notices:
            try:
                tell(notice, arguments["facts"])
            except NoticeError as problem:
                result["warnings"].append(f"{arguments['name']}: {problem}")
        return result

    def _run(self, step: dict[str, Any], arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run one step; return what failed, nothing if it went well."""
        command = step.get("commands", [{}])[0]
        if command.get("where") == "controller":
            reason = self._run_here(command, arguments["facts"], Path(task_vars["inventory_dir"]))
            if not reason:
                return {}
            step = {"failed": reason}
        done: dict[str, Any] = self._execute_module(module_args={**arguments, **step}, task_vars=task_vars)
        return done if done.get("failed") else {}

    def _run_here(self, command: dict[str, Any], facts: dict[str, str], inventory: Path) -> str:
        """Run a command on the controller, in the project's folder; return why it failed."""
        try:
            done = subprocess.run(
                ["sh", "-ec", command["run"]],
                cwd=project_root(inventory),
                env={**os.environ, **facts},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=command.get("timeout", 300),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"`{command['run']}` did not end within {command.get('timeout', 300)} s"
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-TAIL_LINES:]
        return (
            "\n".join([f"`{command['run']}` failed with exit code {done.returncode}:", *lines])
            if done.returncode
            else ""
        )
