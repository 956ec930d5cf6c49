#!/usr/bin/python
"""Bring PostgreSQL back from a backup: the whole cluster in place, or a database beside the present ones."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup import lock, state
from ansible.module_utils.roost_backup.arguments import REPOSITORIES
from ansible.module_utils.roost_backup.beside import Beside
from ansible.module_utils.roost_backup.choice import Choice, choose
from ansible.module_utils.roost_backup.cluster import find_cluster
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.moment import seconds_of
from ansible.module_utils.roost_backup.pgbackrest import AT_ONCE, PgBackRest, create_stanza
from ansible.module_utils.roost_backup.received import Received
from ansible.module_utils.roost_backup.restoring import InPlace

DOCUMENTATION = r"""
module: postgresql_restore
short_description: Bring PostgreSQL back from a backup
description:
  - Restores the whole cluster in place, to the end of the archive or to a moment; or one database, or one table of it,
    into a new database beside the present ones.
  - What a restore in place replaces is kept aside, comes back by itself if what was restored doesn't pass its
    checks, and on demand (I(action=undo)) until I(action=confirm) removes it. A killed restore is undone first.
  - In check mode it tells what would be restored and what would be lost, and changes nothing.
author: The Roost authors
options:
  repositories:
    description: The repositories of pgBackRest's configuration, the preferred one first.
    type: list
    elements: dict
    required: true
    suboptions:
      key: {description: "Its number.", type: int, required: true}
      name: {description: "What people call it.", type: str, required: true}
  action:
    description:
      - To restore, to remove what restores have kept aside, or to bring that back.
      - V(locate) only tells where the archive ends that would be restored: a receiver of the log may have more.
    type: str
    choices: [restore, confirm, undo, locate]
    default: restore
  confirmed: {description: "Whether somebody has agreed to what is lost.", type: bool, default: false}
  to:
    description: The moment to restore to, as C(2026-11-26 14:05:00+00); the end of the archive if empty.
    type: str
    default: ""
  label:
    description:
      - The backup to restore as it was, without anything later; if empty, the newest fitting one is begun with.
    type: str
    default: ""
  source: {description: "The repository to restore from; any if empty.", type: str, default: ""}
  database: {description: "The database to restore beside the present ones.", type: str, default: ""}
  into: {description: "The new database's name.", type: str, default: ""}
  table: {description: "The only table of it that is wanted.", type: str, default: ""}
  received: {description: "Tar file with what a receiver has of the log beyond that.", type: path, default: ""}
  received_names: {description: "The names of its files.", type: list, elements: str, default: []}
  memory_mb: {description: "Limit of memory while a database is restored aside, in MiB.", type: int, default: 512}
"""

EXAMPLES = r"""
- name: Go back to before the mistake
  postgresql_restore:
    repositories: [{key: 1, name: local}]
    to: 2026-11-26 14:05:00+00
    confirmed: true
"""

RETURN = r"""
told: {description: "What is restored, and what is lost.", returned: always, type: list, elements: str}
kept: {description: "Where the replaced state is kept.", returned: always, type: str}
system_id: {description: "The cluster whose log is wanted; empty if none is.", returned: locate, type: str}
archive_end: {description: "The last file of its log in the archive.", returned: locate, type: str}
"""

ARGUMENTS = {
    **REPOSITORIES,
    "action": {"type": "str", "choices": ["restore", "confirm", "undo", "locate"], "default": "restore"},
    "confirmed": {"type": "bool", "default": False},
    "to": {"type": "str", "default": ""},
    "label": {"type": "str", "default": ""},
    "source": {"type": "str", "default": ""},
    "database": {"type": "str", "default": ""},
    "into": {"type": "str", "default": ""},
    "table": {"type": "str", "default": ""},
    "received": {"type": "path", "default": ""},
    "received_names": {"type": "list", "elements": "str", "default": []},
    "memory_mb": {"type": "int", "default": 512},
}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}(\.[A-Za-z_][A-Za-z0-9_$-]{0,62})?")
SWITCH_WAL = "SELECT pg_switch_wal()"


def utc(seconds: float) -> str:
    """A moment as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


class Restore:
    """What was asked for, and the cluster that it is asked of."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.cluster = find_cluster()
        self.in_place = InPlace(self.cluster)
        self.until = seconds_of(params["to"])
        if self.until is not None and self.until > time.time():
            raise BackupError(f"{params['to']} is in the future")
        repositories = [PgBackRest(one["key"], one["name"]) for one in params["repositories"]]
        if not repositories:
            raise BackupError("no backups are declared for this host")
        self.repositories = {one.name: one for one in repositories if params["source"] in {"", one.name}}
        if not self.repositories:
            names = ", ".join(one.name for one in repositories)
            raise BackupError(f"there is no repository {params['source']}; there are: {names}")
        for name in (params["database"], params["into"], params["table"]):
            if name and not IDENTIFIER.fullmatch(name):
                raise BackupError(f"{name!r} is not a plain name")

    def choose(self) -> Choice:
        """Return the backup to begin with, from the first repository that has one and can be reached."""
        found, problems = {}, []
        for name, repository in self.repositories.items():
            try:
                found[name] = repository.look()
            except BackupError as problem:
                problems.append(str(problem))
        try:
            return choose(found, state.load().broken, label=self.params["label"], until=self.until)
        except BackupError as problem:
            raise BackupError("; ".join([str(problem), *problems])) from None

    def describe(self, choice: Choice) -> list[str]:
        """Say what is restored, and what is lost by that."""
        what = f"the {choice.backup.kind} backup {choice.backup.label} of {choice.repository}"
        moment = f"replayed to {utc(self.until)}" if self.until is not None else "replayed to the end of the archive"
        if self.params["label"]:
            moment = f"as it was at {utc(choice.backup.ended)}"
        if self.params["database"]:
            part = f"{self.params['table']} of " if self.params["table"] else ""
            whole = f"{part}{self.params['database']}"
            return [f"{whole} comes from {what}, {moment}, into the new database {self.params['into']}."]
        told = [f"The whole cluster comes from {what}, {moment}.", self._loss(choice)]
        if names := self.params["received_names"]:
            files = f"{len(names)} file{'' if len(names) == 1 else 's'}"
            told.append(f"What was committed after the last archived WAL comes from the receiver ({files}).")
        return told

    def _loss(self, choice: Choice) -> str:
        if not self.cluster.is_up():
            if self.params["received_names"]:
                return "PostgreSQL is down."
            return "PostgreSQL is down: what was committed after the last archived WAL is lost."
        if self.cluster.system_id() != choice.system_id:
            return "The present cluster is another one than was backed up. It is kept aside."
        until = choice.backup.ended if self.params["label"] else self.until
        if until is None:
            return "What is committed until PostgreSQL stops is archived first."
        committed = self.cluster.last_commit()
        if committed <= until:
            return f"Nothing was committed after that; the last commit was at {utc(committed)}."
        return f"What was committed from {utc(until)} to {utc(committed)} is lost."

    def locate(self) -> dict[str, str]:
        """Tell which cluster's log is wanted from where on. A cluster that is up archives all of it itself."""
        choice = self.choose()
        if self.params["label"] or self.params["database"] or self._is_up(choice):
            return {"system_id": "", "archive_end": ""}
        return {"system_id": str(choice.system_id), "archive_end": choice.archive_end}

    def _is_up(self, choice: Choice) -> bool:
        """Tell whether the cluster that was backed up is the one that runs here."""
        return self.cluster.is_up() and self.cluster.system_id() == choice.system_id

    def run(self) -> dict[str, Any]:
        """Restore. Returns what to tell and where the replaced state is kept."""
        choice = self.choose()
        told = self.describe(choice)
        repository = self.repositories[choice.repository]
        params = self.params
        if params["database"]:
            beside = Beside(self.cluster, params["database"], params["into"], params["table"], params["memory_mb"])
            beside.refuse_if_it_exists()
            beside.restore(repository, choice, self._target())
            return {"told": told, "kept": ""}
        target = self._target()
        if not target and self._is_up(choice):
            self.cluster.sql(SWITCH_WAL)
            self.cluster.wait_until_archived()
        received = Received(Path(params["received"]), params["received_names"]) if params["received"] else None
        kept = self.in_place.restore(repository, choice, target, received)
        told.append(f"What was there before is kept in {kept}: undo the restore, or confirm it to free the disk.")
        try:
            create_stanza()
        except BackupError as problem:
            told.append(f"The repositories could not be prepared for what comes: {problem}")
        if received is not None:
            try:
                received.archive_from(self.cluster.data.with_name(f"{self.cluster.name}.received"))
            except BackupError as problem:
                told.append(f"What the receiver gave could not be archived, so make a full backup now: {problem}")
        return {"told": told, "kept": str(kept)}

    def _target(self) -> str:
        """Return where the replay stops, "" for the end of the archive.

        PostgreSQL refuses to stop at a moment after the last commit.
        """
        if self.params["label"]:
            return AT_ONCE
        if self.until is None or (self.cluster.is_up() and self.cluster.last_commit() <= self.until):
            return ""
        return str(self.params["to"])

    def look(self) -> dict[str, Any]:
        """Tell what would be done. Raises BackupError if it can't be."""
        choice = self.choose()
        if self.params["database"]:
            Beside(self.cluster, self.params["database"], self.params["into"], "", 0).refuse_if_it_exists()
        else:
            self.in_place.refuse_without_room(choice)
        return {"told": self.describe(choice), "kept": ""}

    def settle(self) -> dict[str, Any]:
        """Confirm or undo what restores did before."""
        if self.params["action"] == "undo":
            kept = self.in_place.undo()
            return {
                "told": [f"The state before is back; what the restore brought is kept in {kept}."],
                "kept": str(kept),
            }
        gone = self.in_place.confirm()
        return {"told": [f"Removed {folder}." for folder in gone] or ["Nothing was kept aside."], "kept": ""}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        restore = Restore(module.params)
        if module.params["action"] == "locate":
            module.exit_json(changed=False, **restore.locate())
        is_restore = module.params["action"] == "restore"
        if module.check_mode:
            kept = restore.in_place.kept_aside()
            told = [f"Kept aside: {folder}." for folder in kept] or ["Nothing was kept aside."]
            module.exit_json(changed=True, **(restore.look() if is_restore else {"told": told, "kept": ""}))
        if not module.params["confirmed"]:
            told = restore.look()["told"] if is_restore else []
            raise BackupError("\n".join([*told, "Nothing was done: agree with -e backup_restore_confirmed=true."]))
        with lock.held("restore"):
            repaired = restore.in_place.repair()
            result = restore.run() if is_restore else restore.settle()
    except (BackupError, OSError) as problem:
        module.fail_json(msg=f"Not restored: {problem}")
    if repaired:
        result["told"].insert(0, "A restore that was interrupted has been undone before.")
    module.exit_json(changed=True, **result)


if __name__ == "__main__":
    main()
