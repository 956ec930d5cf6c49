"""Action plugin of the module app_release: sends a folder of the controller only when it must be built.

As that of app_turn, it knows whether the run that has the turn is gone.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from roost.source_folder import content_id, list_files, pack
from roost.this_run import execute_in_turn


class ActionModule(ActionBase):
    """Identify a folder by its content, ask the module whether it has it, and pack it if not."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)

        def execute(given: dict[str, Any]) -> dict[str, Any]:
            result: dict[str, Any] = self._execute_module(module_args=given, task_vars=task_vars)
            return result

        source = arguments.get("source")
        if not isinstance(source, dict) or source.get("kind") != "path":
            return execute_in_turn(execute, arguments)
        folder = Path(self._loader.path_dwim(str(source["location"])))
        try:
            files = list_files(folder)
            arguments["content_id"] = content_id(folder, files)
        except OSError as problem:
            raise AnsibleActionFail(f"the source of {arguments.get('name')}: {problem}") from None
        result = execute_in_turn(execute, arguments)
        if result.get("failed") or not result.get("needs_source"):
            return result
        built = self._build(folder, files, {**arguments, "takes_turn": False}, task_vars)
        # What it said when it took the turn.
        built["warnings"] = [*result.get("warnings", []), *built.get("warnings", [])]
        return built

    def _build(
        self, folder: Path, files: list[Path], arguments: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        remote_folder = self._make_tmp_path()
        try:
            with TemporaryDirectory() as local_folder:
                archive = Path(local_folder) / "source.tar.gz"
                pack(folder, files, archive)
                sent = self._transfer_file(str(archive), self._connection._shell.join_path(remote_folder, archive.name))
            return self._execute_module(module_args={**arguments, "archive": sent}, task_vars=task_vars)
        finally:
            self._remove_tmp_path(remote_folder)
