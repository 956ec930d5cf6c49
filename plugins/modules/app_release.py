#!/usr/bin/python
"""Build a release of an application on its host."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.attempt import Attempt, origin
from ansible.module_utils.roost_app.build import Build, Python, copy_archive
from ansible.module_utils.roost_app.errors import ReleaseError, as_result
from ansible.module_utils.roost_app.frontend import Frontend
from ansible.module_utils.roost_app.history import DEPLOY
from ansible.module_utils.roost_app.interpreters import interpreter
from ansible.module_utils.roost_app.lock import deploy_lock
from ansible.module_utils.roost_app.migrations import report, warnings
from ansible.module_utils.roost_app.node import Node
from ansible.module_utils.roost_app.operator_lock import refuse_if_locked
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.release_commands import ReleaseCommands
from ansible.module_utils.roost_app.releases import choose_release, inputs_digest, read_manifest, target_name
from ansible.module_utils.roost_app.repository import Repository, public
from ansible.module_utils.roost_app.room import refuse_without_room
from ansible.module_utils.roost_app.ssh_access import SshAccess
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_app.turn import BUILD
from ansible.module_utils.roost_app.turns import begin_turns
from ansible.module_utils.roost_app.uv import Uv, distribution
from ansible.module_utils.roost_app.warm import Keeper

DOCUMENTATION = r"""
module: app_release
short_description: Build a release of an application on its host
description:
  - Resolves the declared version and makes sure that a complete release of it lies in
    C(/srv/<name>/releases/<id>), with its own virtual environment and built files. What serves is not touched.
  - The id is the first 12 digits of the commit (git) or of a hash of all files (path), or the version on the
    index (pypi). The manifest is written last, so a half-built folder is never taken for a release.
  - A failed build removes what it has made, and is recorded in the history of the application. The builds of one
    application exclude each other, and there are none while a person has locked it (C(rc=75)).
  - Nothing is built on a disk that is nearly full. A release must fit one and a half times beside the live one.
    What the wheel cache takes up goes first.
  - Once a release is built, a slot that is kept warm (M(release_slot)) begins to stop, so that nobody waits for it.
  - A deploy key stays in memory, is read by ssh alone, and is gone when the module ends. The submodules of a
    repository and its files in Git LFS are left out, with a warning.
  - Its action plugin sends a folder of the controller (source kind C(path)) only when it must be built.
author: The Roost authors
options:
  name: {description: Name of the application; also of its user., type: str, required: true}
  source:
    description: Where the code comes from.
    type: dict
    required: true
    suboptions:
      kind: {description: What C(location) is., type: str, required: true, choices: [git, path, pypi]}
      location:
        description: URL of a repository, a folder of the controller, or a requirement.
        type: str
        required: true
      version:
        description: Branch, tag or commit (git); version (pypi), instead of what the location says.
        type: str
        default: ""
      deploy_key: {description: Private key that may read the repository., type: str, default: ""}
      host_keys:
        description: Keys of the git server; without any, the one met first is kept in C(/srv/<name>/known_hosts).
        type: list
        elements: str
        default: []
  python:
    description: What to install, besides what source kind C(pypi) says; lock comes first, then requirements.
    type: dict
    default: {}
    suboptions:
      version: {description: A Python of the host such as 3.12; empty for Debian's., type: str, default: ""}
      requirements: {description: Requirements file in the source., type: str, default: ""}
      pyproject: {description: A pyproject.toml in the source; its dependencies count., type: str, default: ""}
      lock: {description: A uv.lock in the source., type: str, default: ""}
  servers:
    description: What the web process needs (name of a distribution, and the requirement if it isn't installed).
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Normalized name of the distribution., type: str, required: true}
      requirement: {description: What to install., type: str, required: true}
  build_commands:
    description: Shell commands run in the source as the application's user.
    type: list
    elements: str
    default: []
  frontend:
    description: A front end to build with npm; none if it has no C(path).
    type: dict
    default: {}
    suboptions:
      path: {description: "Its folder in the source, with package-lock.json.", type: str, default: ""}
      kind:
        description: Whether files for the web server come of it, or a server in Node.
        type: str
        choices: [static, node]
        default: static
      build: {description: Shell command that builds it., type: str, default: npm run build}
      output: {description: Folder in C(path) that the command fills., type: str, default: dist}
      node: {description: Version of Node., type: str, default: ""}
      environment:
        description: Environment variables of the build (name, value).
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: Name of the variable., type: str, required: true}
          value: {description: Its value., type: str, required: true}
  uv_version: {description: Version of uv., type: str, required: true}
  min_free_mb: {description: MiB that must be free under C(/srv) before a build., type: int, default: 500}
  who: {description: Who deploys., type: str, default: ansible}
  listing:
    description: >-
      Shell command that lists the release's migrations. In check mode, a release that is not complete is built aside,
      asked for them, and removed again, if its application is live already.
    type: str
    default: ""
  lock_timeout: {description: Seconds that it waits for a lock of PostgreSQL., type: int, default: 0}
  lift_time_limits: {description: As of M(app_commands)., type: bool, default: false}
  run: {description: The run that has the turn (M(app_turn)); without one only the lock counts., type: str, default: ""}
  takes_turn: {description: Take the turn of I(run) first (as M(app_turn))., type: bool, default: false}
  gone: {description: Set by the action plugin; a run that is known to have ended., type: str, default: ""}
  content_id: {description: Set by the action plugin; id of the folder's content., type: str, default: ""}
  archive: {description: Set by the action plugin; the sent folder., type: path}
"""

EXAMPLES = r"""
- name: Build the release
  app_release:
    name: atlas
    source: {kind: git, location: "https://git.example.com/atlas.git", version: v1.4.2}
    python: {requirements: requirements.txt}
    uv_version: 0.13.9
  register: built
"""

RETURN = r"""
name: {description: Name of the application., returned: always, type: str}
live: {description: The release that serves., returned: always, type: str}
version: {description: The version that the release was built of., returned: always, type: str}
commit: {description: Its commit., returned: always, type: str}
release: {description: Id of the release; empty in check mode if it can't be known yet., returned: always, type: str}
phases: {description: Seconds that each phase of the build took., returned: when built, type: dict}
migrations: {description: As of M(app_commands)., returned: in check mode, type: dict}
needs_source: {description: For the action plugin. The folder must be sent., returned: always, type: bool}
"""

SOURCE = {
    "kind": {"type": "str", "required": True, "choices": ["git", "path", "pypi"]},
    "location": {"type": "str", "required": True},
    "version": {"type": "str", "default": ""},
    "deploy_key": {"type": "str", "default": "", "no_log": True},
    "host_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
}
PYTHON = {
    "version": {"type": "str", "default": ""},
    "requirements": {"type": "str", "default": ""},
    "pyproject": {"type": "str", "default": ""},
    "lock": {"type": "str", "default": ""},
}
SERVERS = {
    "name": {"type": "str", "required": True},
    "requirement": {"type": "str", "required": True},
}
FRONTEND = {
    "path": {"type": "str", "default": ""},
    "kind": {"type": "str", "choices": ["static", "node"], "default": "static"},
    "build": {"type": "str", "default": "npm run build"},
    "output": {"type": "str", "default": "dist"},
    "node": {"type": "str", "default": ""},
    "environment": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "value": {"type": "str", "required": True}},
    },
}
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "source": {"type": "dict", "required": True, "options": SOURCE},
    "python": {"type": "dict", "default": {}, "options": PYTHON},
    "servers": {"type": "list", "elements": "dict", "default": [], "options": SERVERS},
    "build_commands": {"type": "list", "elements": "str", "default": []},
    "frontend": {"type": "dict", "default": {}, "options": FRONTEND},
    "uv_version": {"type": "str", "required": True},
    "min_free_mb": {"type": "int", "default": 500},
    "who": {"type": "str", "default": "ansible"},
    "listing": {"type": "str", "default": ""},
    "lock_timeout": {"type": "int", "default": 0},
    "lift_time_limits": {"type": "bool", "default": False},
    "run": {"type": "str", "default": ""},
    "takes_turn": {"type": "bool", "default": False},
    "gone": {"type": "str", "default": ""},
    "content_id": {"type": "str", "default": ""},
    "archive": {"type": "path"},
}


class Release:
    """The release of the declared version."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.source = {key: params["source"][key] or "" for key in ("kind", "location", "version")}
        self.paths = AppPaths(params["name"])
        self.frontend = params["frontend"] if params["frontend"].get("path") else None
        self.uv = Uv(params["uv_version"])
        access = SshAccess(
            self.paths.known_hosts, params["source"]["deploy_key"] or "", tuple(params["source"]["host_keys"] or [])
        )
        self.repository = Repository(self.paths.repository, self.source["location"], access)
        self.warnings: list[str] = []
        self.public_source = {**self.source, "location": public(self.source["location"])}

    def guess(self) -> dict[str, Any]:
        """Tell, without changing anything, what would be done."""
        refuse_if_locked(self.paths)
        version = self.params["content_id"][:12]
        if self.source["kind"] == "git" and self.paths.repository.is_dir():
            version = self.repository.resolve(self.source["version"])[:12]
        elif self.source["kind"] == "pypi" and self.uv.is_installed:
            version = self._resolve()
        release, complete = self._choose(version) if version else ("", False)
        result = {"changed": not complete, "release": release if complete else "", "needs_source": False}
        if complete:
            return result
        if self.uv.is_installed:
            self._interpreter()
        refuse_without_room(self.paths, self.params["min_free_mb"])
        if not self.params["listing"]:
            return result
        if not target_name(self.paths.current) or not self.uv.is_installed:
            told = f"{self.paths.name}: its migrations are known once a first release is built."
            return {**result, "migrations": report(self.paths.name, told=[told])}
        if self.source["kind"] == "path" and not self.params["archive"]:
            return {**result, "needs_source": True}
        return {**result, "migrations": self._look()}

    def build(self) -> dict[str, Any]:
        """Build it unless it is complete."""
        refuse_if_locked(self.paths)
        origin_known = origin({"source": self.public_source})
        attempt = Attempt(self.paths, self.params["who"], **origin_known, run=self.params["run"])
        with attempt.at_work(BUILD), attempt.recorded_if_it_fails():
            return self._build_as(attempt)

    def _look(self) -> dict[str, Any]:
        """List the migrations of a release that is built only for that, and removed again."""
        attempt = Attempt(self.paths, self.params["who"])
        with deploy_lock(self.paths.lock, self.params["who"]):
            version = self._resolve()
            attempt.release, _ = self._choose(version[:12] if self.source["kind"] != "pypi" else version)
            with self._build(attempt, version).aside():
                return ReleaseCommands(
                    attempt=attempt,
                    commands=[],
                    listing=self.params["listing"],
                    lock_timeout=self.params["lock_timeout"],
                    lift_time_limits=self.params["lift_time_limits"],
                    backups=0,
                ).look()

    def _build_as(self, attempt: Attempt) -> dict[str, Any]:
        self.uv.ensure()
        version = self._resolve()
        release, complete = self._choose(version if self.source["kind"] == "pypi" else version[:12])
        if complete:
            return {"changed": False, "release": release, "needs_source": False}
        manifest = {
            "release": release,
            "who": self.params["who"],
            "source": self.public_source,
            "version": version,
            "inputs": inputs_digest(self._inputs()),
        }
        attempt.identify(manifest)
        self._interpreter()
        self._make_room()
        if self.source["kind"] == "path" and not self.params["archive"]:
            return {"changed": False, "release": release, "needs_source": True}
        self._build(attempt, version).run(manifest)
        Keeper(self.paths, Systemd()).let_go()
        return {"changed": True, "release": release, "needs_source": False, "phases": attempt.phases}

    def _resolve(self) -> str:
        """Return the commit, the hash of the content or the version to build."""
        if self.source["kind"] == "git":
            wanted = self.source["version"]
            return self.repository.fetch(wanted, self.repository.resolve(wanted))
        if self.source["kind"] == "pypi":
            return self.uv.resolve(self._requirement(), self._interpreter())
        return str(self.params["content_id"])

    def _interpreter(self) -> str:
        return interpreter(self.params["python"]["version"] or "")

    def _make_room(self) -> None:
        """Refuse to build without room on the disk, after the wheel cache has given up its own."""
        try:
            refuse_without_room(self.paths, self.params["min_free_mb"])
        except ReleaseError:
            self.uv.empty_cache()
            refuse_without_room(self.paths, self.params["min_free_mb"])

    def _choose(self, version: str) -> tuple[str, bool]:
        return choose_release(self.paths.releases, version, inputs_digest(self._inputs()))

    def _inputs(self) -> dict[str, Any]:
        return {
            "location": self._lasting_location(),
            "python": self.params["python"],
            "servers": self.params["servers"],
            "build_commands": self.params["build_commands"],
            **({"frontend": self.frontend} if self.frontend else {}),
        }

    def _lasting_location(self) -> str:
        """Return the part of the location that is the same for all versions."""
        location = self.source["location"]
        return {"git": location, "path": "", "pypi": distribution(location)}[self.source["kind"]]

    def _requirement(self) -> str:
        version = self.source["version"]
        return f"{distribution(self.source['location'])}=={version}" if version else self.source["location"]

    def _build(self, attempt: Attempt, version: str) -> Build:
        if self.source["kind"] == "git":
            self.warnings = [f"{self.paths.name}: {told}" for told in self.repository.left_out(version)]
        fill_source = {
            "git": partial(self.repository.export, version),
            "path": partial(copy_archive, Path(self.params["archive"] or "/")),
            "pypi": lambda _: None,
        }[self.source["kind"]]
        requirement = f"{distribution(self.source['location'])}=={version}" if self.source["kind"] == "pypi" else ""
        listed = {key: value or "" for key, value in self.params["python"].items() if key != "version"}
        return Build(
            paths=self.paths,
            release=attempt.release,
            uv=self.uv,
            python=Python(self._interpreter(), **listed, requirement=requirement),
            servers={server["name"]: server["requirement"] for server in self.params["servers"]},
            commands=self.params["build_commands"],
            fill_source=fill_source,
            frontend=self._frontend(),
            phases=attempt.phases,
        )

    def _frontend(self) -> Frontend | None:
        if self.frontend is None:
            return None
        variables = {variable["name"]: variable["value"] for variable in self.frontend["environment"]}
        node = Node(self.frontend["node"])
        return Frontend(**{**self.frontend, "node": node, "environment": variables})


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    release = Release(module.params)
    try:
        if module.params["takes_turn"]:
            for warning in begin_turns([release.paths], {**module.params, "kind": DEPLOY}, module.check_mode):
                module.warn(warning)
        result = release.guess() if module.check_mode else release.build()
    except (ReleaseError, OSError) as problem:
        module.fail_json(**as_result(problem))
    unknown = result.get("migrations", {}).get("unknown", [])
    for warning in [*release.warnings, *warnings(release.paths.name, unknown)]:
        module.warn(warning)
    known = origin(read_manifest(release.paths.release(result["release"])) or {})
    live = target_name(release.paths.current)
    module.exit_json(**result, name=release.paths.name, live=live, version=known["version"], commit=known["commit"])


if __name__ == "__main__":
    main()
