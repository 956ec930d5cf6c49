#!/usr/bin/python
"""Let a release of each application serve, without a failed request."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_app.attempt import Attempt
from ansible.module_utils.roost_app.errors import ReleaseError, as_result
from ansible.module_utils.roost_app.health import Health
from ansible.module_utils.roost_app.history import DEPLOY, ROLLBACK, read
from ansible.module_utils.roost_app.paths import SLOTS, AppPaths
from ansible.module_utils.roost_app.releases import occupied, point, prune, read_manifest, target_name
from ansible.module_utils.roost_app.slots import Slots
from ansible.module_utils.roost_app.standing import earlier, failed, line
from ansible.module_utils.roost_app.systemd import Systemd
from ansible.module_utils.roost_app.turns import begin_turns, end_all
from ansible.module_utils.roost_app.undeclared import farewell, stop, undeclared
from ansible.module_utils.roost_app.warm import Warmth

DOCUMENTATION = r"""
module: release_slot
short_description: Let a release of each application serve, without a failed request
description:
  - Starts the release in the idle one of the two slots of an application, waits for three healthy answers
    on that slot's own socket, points C(live.sock) and C(current) at it in one step each, drains the
    old slot and stops it. The server of a front end, if there is one, goes along, with the link
    C(frontend.sock). A release that is not healthy is stopped, and the old one serves on.
  - Without a I(release) the live release is kept. It is moved to the other slot when the environment file
    or a unit has changed since its slot was started, or when it does not run.
  - With I(warm_minutes) the old slot is not stopped at once after a deploy, but kept warm, out of traffic, for that
    long. A rollback to it only asks for its health. What still is connected to it after I(drain) seconds is ended.
  - An application without I(health) has no web process, so only C(current) is switched.
  - What came of a I(release) is written to the history of its application. One that failed is marked so, hence no
    rollback leads to it, and it is the first to be removed when there are more releases than I(keep).
  - With I(declared) it also stops, for good, the slots of every other application on the host, and warns of it. Their
    folders stay as they are, so one that is declared again serves its last release again.
  - One deploy at a time. When the lock is held, the module fails with C(rc=75) and says by whom.
author: The Roost authors
options:
  apps:
    description: The applications.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: Name of the application., type: str, required: true}
      release: {description: Id of a complete release; empty keeps the live one., type: str, default: ""}
      health:
        description: How to ask for the application's health; nothing when it has no web process.
        type: dict
        suboptions:
          path: {description: Path of the request., type: str, required: true}
          host: {description: Its Host header., type: str, required: true}
          timeout: {description: Seconds that one answer may take., type: float, default: 5}
      frontend:
        description: How to ask the server of its front end for its health; nothing when it has none.
        type: dict
        suboptions:
          path: {description: Path of the request., type: str, required: true}
          host: {description: Its Host header., type: str, required: true}
          timeout: {description: Seconds that one answer may take., type: float, default: 5}
      warm_minutes: {description: Minutes that the slot of before a deploy is kept warm., type: float, default: 0}
      drain: {description: Seconds that connections to it have to end by themselves., type: int, default: 0}
  declared:
    description: Names of all applications with a web process on this host. If not given, no other is looked for.
    type: list
    elements: str
  about_to_change:
    description: Files that were changed by now but for check mode. A slot that reads one of them would be moved.
    type: list
    elements: str
    default: []
  patience:
    description: Seconds within which a started release must have given three healthy answers in a row.
    type: float
    default: 50
  keep:
    description: How many releases to keep. The live one and the one that a rollback leads to always are.
    type: int
    default: 5
  kind:
    description: Whether a I(release) is deployed or rolled back to; for the history.
    type: str
    choices: [deploy, rollback]
    default: deploy
  who:
    description: Who deploys; shown to those who find the lock held.
    type: str
    default: ansible
  run: {description: The run that has the turn (M(app_turn)); without one only the lock counts., type: str, default: ""}
  takes_turn: {description: Take the turn of I(run) first (as M(app_turn))., type: bool, default: false}
  gone: {description: Set by the action plugin; a run that is known to have ended., type: str, default: ""}
  ends_turn: {description: Give the turn of I(run) back at the end if all went well., type: bool, default: false}
"""

EXAMPLES = r"""
- name: Switch to the release
  release_slot:
    apps:
      - name: atlas
        release: 3f2a9c1d7e55
        health: {path: /health/, host: atlas.example.com}
"""

RETURN = r"""
apps:
  description: >-
    The state of each application: name, release ("" before the first one), previous (the release that was live
    before), slot ("" without a web process), switched (whether anything had to be done) and pruned (ids of
    removed releases).
  returned: always
  type: list
  elements: dict
ended: {description: Applications whose turn was given back., returned: always, type: list, elements: str}
stopped: {description: Applications that are no longer declared and were stopped., returned: always, type: list}
"""

SWITCH = "switch"
HEALTH = {
    "path": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "timeout": {"type": "float", "default": 5},
}
ARGUMENTS = {
    "apps": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "release": {"type": "str", "default": ""},
            "health": {"type": "dict", "options": HEALTH},
            "frontend": {"type": "dict", "options": HEALTH},
            "warm_minutes": {"type": "float", "default": 0},
            "drain": {"type": "int", "default": 0},
        },
    },
    "declared": {"type": "list", "elements": "str"},
    "about_to_change": {"type": "list", "elements": "str", "default": []},
    "patience": {"type": "float", "default": 50},
    "keep": {"type": "int", "default": 5},
    "kind": {"type": "str", "choices": [DEPLOY, ROLLBACK], "default": DEPLOY},
    "who": {"type": "str", "default": "ansible"},
    "run": {"type": "str", "default": ""},
    "takes_turn": {"type": "bool", "default": False},
    "gone": {"type": "str", "default": ""},
    "ends_turn": {"type": "bool", "default": False},
}


def settle(app: dict[str, Any], params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring one application to the state that is asked for and tell what was done."""
    paths = AppPaths(app["name"])
    if app["release"] and not read_manifest(paths.release(app["release"])):
        raise ReleaseError(f"{paths.name}: there is no complete release {app['release']}")
    attempt = Attempt.of_built(paths, app["release"], params["who"], params["kind"], params["run"])
    if app["health"] is None:
        return settle_release(attempt, params, check_mode)
    # What a rollback leaves is nothing to come back to.
    is_kept = app["warm_minutes"] and params["kind"] == DEPLOY
    warmth = Warmth(app["warm_minutes"], app["drain"]) if is_kept else None
    slots = Slots(paths, Health(**app["health"]), params["patience"], Systemd(), frontend_health(app), warmth)
    return settle_slots(slots, attempt, params, check_mode)


def frontend_health(app: dict[str, Any]) -> Health | None:
    """Return how to ask its front end; None as well for one that is declared but not set up on this host yet."""
    is_set_up = AppPaths(app["name"]).frontend.files[0].is_file()
    return Health(**app["frontend"]) if app["frontend"] and is_set_up else None


def settle_release(attempt: Attempt, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do it for an application without a web process."""
    paths, wanted = attempt.paths, attempt.release
    current = target_name(paths.current)
    live = current if current and read_manifest(paths.release(current)) else ""
    state = {"name": paths.name, "release": wanted or live, "previous": live, "slot": "", "pruned": []}
    switched = state["release"] != live or is_unrecorded(attempt)
    if switched and not check_mode:
        with attempt.at_work(SWITCH):
            point(paths.current, f"releases/{wanted}")
            attempt.record_live()
            state["pruned"] = remove_old(paths, params["keep"], wanted, {live})
    return {**state, "switched": switched}


def settle_slots(slots: Slots, attempt: Attempt, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do it for an application with a web process."""
    paths, live = slots.paths, slots.live_release()
    state = {"name": paths.name, "release": attempt.release or live, "previous": live, "slot": slots.live()}
    state["pruned"] = []
    if not state["release"]:
        return {**state, "switched": False}
    to_switch = not slots.serves(state["release"]) or slots.reads(params["about_to_change"])
    to_tidy = not to_switch and not slots.is_tidy()
    to_record = is_unrecorded(attempt)
    if (to_switch or to_tidy or to_record) and not check_mode:
        with attempt.at_work(SWITCH):
            if to_switch:
                state["slot"] = switch(slots, state["release"], attempt, params["keep"])
            else:
                slots.tidy()
            if to_record:
                attempt.record_live()
            state["pruned"] = remove_old(paths, params["keep"], slots.live_release(), used_by(slots))
    return {**state, "switched": to_switch or to_tidy or to_record}


def switch(slots: Slots, release: str, attempt: Attempt, keep: int) -> str:
    """Switch to a release and return its slot. One that fails is recorded, unless it is the live one that moves."""
    live = slots.live_release()
    try:
        with ExitStack() as stack:
            if release != live:
                stack.enter_context(attempt.recorded_if_it_fails())
            with attempt.phase(SWITCH):
                return slots.switch_to(release)
    except ReleaseError:
        remove_old(slots.paths, keep, live, used_by(slots))
        raise


def is_unrecorded(attempt: Attempt) -> bool:
    """Tell whether a release is asked for that was not the last to go live, by the history."""
    return bool(attempt.release) and line(read(attempt.paths.history))[-1:] != [attempt.release]


def used_by(slots: Slots) -> set[str]:
    """Return the releases of both slots."""
    return {slots.release_of(slot) for slot in SLOTS}


def remove_old(paths: AppPaths, keep: int, live: str, used: set[str]) -> list[str]:
    """Remove the releases that are not kept; return them. Those kept in any case are the live one, the one that a
    rollback leads to, and those in use that have not failed."""
    entries = read(paths.history)
    bad = failed(entries)
    on_disk = [release for release in earlier(entries, live) if read_manifest(paths.release(release))]
    in_use = used | occupied(paths.releases)
    return prune(paths.releases, keep, {live, *on_disk[:1], *(in_use - bad)}, bad)


def stop_others(params: dict[str, Any], check_mode: bool) -> list[str]:
    """Stop the applications that are no longer declared and return their names."""
    if params["declared"] is None:
        return []
    systemd = Systemd()
    others = undeclared(params["declared"], systemd)
    for paths in [] if check_mode else others:
        stop(paths, systemd, params["who"])
    return [paths.name for paths in others]


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params, all_paths = module.params, [AppPaths(app["name"]) for app in module.params["apps"]]
    ended = [paths.name for paths in all_paths if params["ends_turn"]]
    try:
        if params["takes_turn"]:
            for warning in begin_turns(all_paths, params, module.check_mode):
                module.warn(warning)
        stopped = stop_others(params, module.check_mode)
        apps = [settle(app, params, module.check_mode) for app in params["apps"]]
        if ended and not module.check_mode:
            end_all(all_paths, params["run"])
    except (ReleaseError, OSError) as problem:
        module.fail_json(**as_result(problem))
    if stopped:
        module.warn(farewell(stopped, module.check_mode))
    changed = bool(stopped) or any(app["switched"] for app in apps)
    module.exit_json(changed=changed, apps=apps, ended=ended, stopped=stopped)


if __name__ == "__main__":
    main()
