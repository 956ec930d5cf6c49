"""An environment: the folder with hosts.yml and group_vars/all/stack.yml, read and checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roost import inventorychecks, rawyaml
from roost.crosschecks import Subject, cross_check
from roost.errors import InvalidDeclaration, Problem, UsageError
from roost.model import Mistake, ResolvedApp, Stack, check_stack, resolved_apps
from roost.model.parse import UsablePart, usable_part
from roost.paths import project_root
from roost.rawyaml import RawFile, key_text
from roost.suggest import did_you_mean
from roost.topology import Topology

HOSTS_FILE = Path("hosts.yml")
STACK_FILE = Path("group_vars/all/stack.yml")
VAULT_FILE = Path("group_vars/all/vault.yml")

_VARIABLE_SUFFIXES = ("", ".yml", ".yaml", ".json")


@dataclass(frozen=True)
class Environment:
    """A valid environment. `inventory` is its folder."""

    stack: Stack
    topology: Topology
    inventory: Path

    @property
    def apps(self) -> list[ResolvedApp]:
        """The applications with all defaults filled in."""
        return resolved_apps(self.stack)


def load_environment(inventory: Path) -> Environment:
    """Read an environment's folder (or its hosts.yml) and check everything in it.

    Nothing in it is templated or executed. Raises InvalidDeclaration with all problems, and UsageError if
    there is no such folder.
    """
    folder = inventory.parent if inventory.is_file() else inventory
    if not folder.is_dir():
        raise UsageError(f"There is no environment in {_shown(folder)}.", hint="Copy inventories/example to begin one.")
    others = {path: rawyaml.read(path, _shown(path), strict=False) for path in _variable_files(folder)}
    topology, problems = _read_hosts(folder, others)
    for path, raw in others.items():
        problems += [*raw.problems, *inventorychecks.stray_stack(raw)]
        problems += inventorychecks.unencrypted_vault(raw) if path == folder / VAULT_FILE else []

    stack = rawyaml.read(folder / STACK_FILE, _shown(folder / STACK_FILE), strict=True)
    problems += stack.problems
    part, mistakes = _check_stack_file(stack.data) if isinstance(stack.data, dict) else (None, [])
    problems += _new(problems, stack, mistakes)
    if part and topology:
        subject = Subject(part.stack, part.indexes, topology, project_root(folder))
        problems += _new(problems, stack, cross_check(subject))
    if problems or part is None or topology is None:
        raise InvalidDeclaration(problems)
    return Environment(part.stack, topology, folder)


def _read_hosts(folder: Path, others: Mapping[Path, RawFile]) -> tuple[Topology | None, list[Problem]]:
    """Read hosts.yml; there is no topology if Ansible could not make sense of the file either."""
    raw = rawyaml.read(folder / HOSTS_FILE, _shown(folder / HOSTS_FILE), strict=True)
    problems = raw.problems or list(inventorychecks.check_shape(raw))
    if problems:
        return None, problems
    topology = Topology.from_path(folder / HOSTS_FILE, _host_vars(folder, others))
    return topology, list(inventorychecks.check_hosts(raw, topology))


def _check_stack_file(data: Mapping[Any, Any]) -> tuple[UsablePart | None, list[Mistake]]:
    """Check the content of stack.yml; the part is the whole stack if there are no mistakes."""
    mistakes = [
        Mistake((str(key),), f"Only stack: belongs in this file.{did_you_mean(str(key), ['stack'])}")
        for key in data
        if key != "stack"
    ]
    if "stack" not in data:
        return None, [*mistakes, Mistake(("stack",), "This key is missing; everything belongs under it.")]
    stack, wrong = check_stack(data["stack"])
    part = UsablePart(stack, tuple(range(len(stack.apps)))) if stack else usable_part(data["stack"], wrong)
    return part, [*mistakes, *wrong]


def _new(problems: list[Problem], raw: RawFile, mistakes: list[Mistake]) -> list[Problem]:
    """The mistakes as problems of the file, without those that follow from a problem at the same place."""
    known = {(problem.file, problem.key) for problem in problems}
    return [raw.problem(m.path, m.message) for m in mistakes if (raw.shown, key_text(m.path)) not in known]


def _variable_files(folder: Path) -> Iterator[Path]:
    """The files that Ansible reads variables from, except stack.yml."""
    for parent in ("group_vars", "host_vars"):
        for path in sorted((folder / parent).rglob("*")):
            hidden = any(part.startswith(".") or part.endswith("~") for part in path.relative_to(folder).parts)
            if path.is_file() and path.suffix in _VARIABLE_SUFFIXES and not hidden and path != folder / STACK_FILE:
                yield path


def _host_vars(folder: Path, files: Mapping[Path, RawFile]) -> dict[str, dict[str, Any]]:
    """The variables of host_vars/NAME.yml and host_vars/NAME/*.yml by the host's name."""
    variables: dict[str, dict[str, Any]] = {}
    for path, raw in files.items():
        parts = path.relative_to(folder).parts
        if parts[0] == "host_vars" and isinstance(raw.data, dict):
            name = parts[1] if len(parts) > 2 else path.name.removesuffix(path.suffix)
            variables.setdefault(name, {}).update(raw.data)
    return variables


def _shown(path: Path) -> str:
    """A path as messages name it: from the current folder if it lies in it."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
