"""Checks of hosts.yml and of the variable files beside it."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from roost.errors import Problem
from roost.model.reserved import HOST_GROUPS
from roost.rawyaml import KeyPath, RawFile
from roost.suggest import did_you_mean, listed
from roost.topology import Topology

_STRAY = "stack: belongs in group_vars/all/stack.yml only."
_GROUP_KEYS = ("hosts", "children", "vars")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")


def check_shape(raw: RawFile) -> Iterator[Problem]:
    """Yield what keeps Ansible from reading hosts.yml as groups of hosts."""
    for name, content in raw.data.items():
        yield from _check_group(raw, (str(name),), content)


def check_hosts(raw: RawFile, topology: Topology) -> Iterator[Problem]:
    """Yield what is wrong with the groups, names and addresses of the hosts."""
    yield from _stray_stack_in_hosts(raw)
    if not topology.hosts:
        yield raw.problem(("all",), "There is no host in the inventory.")
    for group in topology.unknown_groups:
        yield raw.problem(
            _group_path(raw.data, group),
            f"{group} is not a group that Roost knows.{did_you_mean(group, HOST_GROUPS)} "
            f"Groups: {listed(HOST_GROUPS)}.",
        )
    for host in topology.hosts:
        path = _host_path(raw.data, host.name)
        if len(host.name) > 253 or not _HOST_NAME.fullmatch(host.name):
            yield raw.problem(path, "A host's name consists of letters, digits, hyphens, underscores and dots.")
        for variable, address in (
            ("ansible_host", host.address),
            ("roost_private_address", host.internal_address),
        ):
            if address != host.name and not _is_address(address):
                yield raw.problem((*path, variable), "This must be an IP address or a host name.")
        if len(topology.hosts) > 1 and not _is_ip_address(host.internal_address):
            yield raw.problem(
                path,
                "With several hosts each needs an IP address that the others reach: set roost_private_address.",
            )
        if not host.groups:
            yield raw.problem(path, f"The host is in no group; give it a part: {listed(HOST_GROUPS)}.")
    yield from _web_and_app_together(raw, topology)
    yield from _receiver_elsewhere(raw, topology)


def _check_group(raw: RawFile, path: KeyPath, content: Any) -> Iterator[Problem]:
    if not isinstance(content, Mapping | None):
        yield raw.problem(path, f"A group is a mapping of {listed(_GROUP_KEYS)}.")
        return
    for key, inside in (content or {}).items():
        here = (*path, str(key))
        if key not in _GROUP_KEYS:
            guess = did_you_mean(str(key), _GROUP_KEYS)
            yield raw.problem(here, f"A group has no such key.{guess} Allowed: {listed(_GROUP_KEYS)}.")
        elif not isinstance(inside, Mapping | None):
            yield raw.problem(here, "This must be a mapping; write each name with a colon behind it, like vm1:")
        elif key == "hosts":
            for host, variables in (inside or {}).items():
                if not isinstance(variables, Mapping | None):
                    yield raw.problem((*here, str(host)), "A host's variables are a mapping, or nothing.")
        elif key == "children":
            for name, group in (inside or {}).items():
                yield from _check_group(raw, (*here, str(name)), group)


def stray_stack(raw: RawFile) -> Iterator[Problem]:
    """Yield a `stack` in another file: it would silently win over stack.yml, unchecked."""
    if isinstance(raw.data, dict) and "stack" in raw.data:
        yield raw.problem(("stack",), _STRAY)


def unencrypted_vault(raw: RawFile) -> Iterator[Problem]:
    """Yield a vault that holds its secrets in plain text."""
    if raw.root is not None:
        yield Problem(raw.shown, 1, "", "The file is not encrypted: run ansible-vault encrypt on it.")


def _web_and_app_together(raw: RawFile, topology: Topology) -> Iterator[Problem]:
    for here, there in (("app", "web"), ("web", "app")):
        missing = [host.name for host in topology.members(here) if there not in host.groups]
        if missing and topology.members(there):
            yield raw.problem(
                _group_path(raw.data, there),
                f"{', '.join(missing)} in the group {here} must be in {there} too: "
                "web and app on different hosts is not supported yet.",
            )


def _receiver_elsewhere(raw: RawFile, topology: Topology) -> Iterator[Problem]:
    receivers, source = topology.members("receiver"), topology.primary_database
    path = _group_path(raw.data, "receiver")
    if len(receivers) > 1:
        yield raw.problem(path, f"One host receives PostgreSQL's log; there are {len(receivers)}.")
    if receivers and source is None:
        yield raw.problem(path, "The group database has no host whose log could be received.")
    if source is not None and source in receivers:
        yield raw.problem(
            path,
            f"{source.name} keeps the databases: what destroys it would destroy what it receives. Choose another host.",
        )


def _is_address(text: str) -> bool:
    return _is_ip_address(text) or (len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None)


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _groups(data: Mapping[Any, Any] | None, path: KeyPath = ()) -> Iterator[tuple[str, Mapping[Any, Any], KeyPath]]:
    """Each group that a YAML inventory spells out: its name, its content and where it stands."""
    for name, content in (data or {}).items():
        here = (*path, str(name))
        yield str(name), content or {}, here
        yield from _groups((content or {}).get("children"), (*here, "children"))


def _group_path(data: Any, group: str) -> KeyPath:
    return next((path for name, _, path in _groups(data) if name == group), ("all",))


def _host_path(data: Any, host: str) -> KeyPath:
    for _, content, path in _groups(data):
        if host in (content.get("hosts") or {}):
            return (*path, "hosts", host)
    return ("all",)


def _stray_stack_in_hosts(raw: RawFile) -> Iterator[Problem]:
    for _, content, path in _groups(raw.data):
        places: dict[KeyPath, Any] = {("vars",): content.get("vars")}
        places |= {("hosts", str(name)): variables for name, variables in (content.get("hosts") or {}).items()}
        for place, variables in places.items():
            if "stack" in (variables or {}):
                yield raw.problem((*path, *place, "stack"), _STRAY)
