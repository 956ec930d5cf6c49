"""Templates to contents, by Ansible's own templating, with errors that name the line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.template import trust_as_template

from roost.config_tree.blame import line_of_error, line_of_undefined
from roost.config_tree.errors import InvalidTree
from roost.config_tree.expand import PlannedFile


class Renderer:
    """Renders the templates of one tree for one host.

    `templar` and `variables` are those of the task; `folder` is the root of the templates.
    """

    def __init__(self, templar: Any, folder: Path, variables: Mapping[str, Any]) -> None:
        self._templar = templar
        self._folder = folder
        self._variables = variables
        self._templars: dict[Path, Any] = {}

    def content(self, file: PlannedFile) -> bytes:
        """Return what `file` is to contain. Raises InvalidTree naming the template and the line."""
        if not file.is_template:
            return file.source.read_bytes()
        if file.source.parent not in self._templars:
            self._templars[file.source.parent] = self._new_templar(file)
        try:
            return self._render(file, self._templars[file.source.parent])
        except AnsibleError as error:
            raise InvalidTree(self._explain(file, error)) from None

    def _render(self, file: PlannedFile, templar: Any) -> bytes:
        templar.available_variables = self._variables if file.item is None else {**self._variables, "item": file.item}
        template = trust_as_template(file.source.read_text(encoding="utf-8"))
        rendered = templar.template(template, escape_backslashes=False)
        return ("" if rendered is None else str(rendered)).encode()

    def _new_templar(self, file: PlannedFile) -> Any:
        """Return an environment in which a template finds its neighbours first, then the tree's root."""
        searchpath = [file.source.parent, self._folder, *self._variables.get("ansible_search_path", [])]
        return self._templar.copy_with_new_env(searchpath=[str(path) for path in searchpath])

    def _explain(self, file: PlannedFile, error: AnsibleError) -> str:
        if isinstance(error, AnsibleUndefinedVariable):
            templar = self._new_templar(file)
            place = line_of_undefined(templar, lambda: self._render(file, templar), str(error.message))
        else:
            place = line_of_error(error)
        text = place.locate(file.source)
        if file.secret and not isinstance(error, AnsibleUndefinedVariable):
            return f"{text}: can't be rendered; why is not shown, because the file is secret"
        return f"{text}: {error}"
