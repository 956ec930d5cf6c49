"""The inputs of the roles that bring PostgreSQL's log to another host as it is written: wal_sender and wal_receiver."""

from collections.abc import Mapping
from typing import Any

from roost.backup_secrets import RECEIVER_PASSWORD
from roost.derive.context import Context, role_input
from roost.model import wanted_database_backups
from roost.topology import Host


@role_input
def wal_sender_is_wanted(context: Context) -> bool:
    return context.receiver is not None


@role_input
def wal_receiver_host(context: Context) -> str:
    source = _source(context)
    return source.internal_address if source else ""


@role_input
def wal_receiver_password(context: Context, vault_backups: Mapping[str, str]) -> str:
    return str(vault_backups[RECEIVER_PASSWORD]) if _source(context) else ""


@role_input
def wal_receiver_server_release(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the database host's release, such as `Debian 13`; empty if nobody has asked that host yet."""
    source = _source(context)
    facts = hostvars[source.name].get("ansible_facts", {}) if source else {}
    if "distribution" not in facts:
        return ""
    return f"{facts['distribution']} {facts['distribution_major_version']}"


@role_input
def wal_receiver_tail_system(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the cluster whose log a restore on the database host wants of this one."""
    return str(_archive(context, hostvars).get("system_id", ""))


@role_input
def wal_receiver_tail_after(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the last file of that log in the archive."""
    return str(_archive(context, hostvars).get("archive_end", ""))


@role_input
def backup_restore_asks_receiver(context: Context) -> bool:
    return context.receiver is not None


@role_input
def backup_restore_received(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> str:
    """Return where on the controller that is which the receiver has given for a restore on this host."""
    return str(_given(context, hostvars).get("file", ""))


@role_input
def backup_restore_received_names(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the files of the log in it, or in check mode of those that would be."""
    return list(_given(context, hostvars).get("names", ()))


def _archive(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what the entry point `locate` of the role backup has found on the database host."""
    source = _source(context)
    found: Mapping[str, Any] = hostvars[source.name].get("__backup_archive", {}) if source else {}
    return found


def _given(context: Context, hostvars: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what the entry point `tail` of the role wal_receiver has fetched."""
    given: Mapping[str, Any] = (
        hostvars[context.receiver.name].get("__wal_receiver_given", {}) if context.receiver else {}
    )
    return given


def _source(context: Context) -> Host | None:
    """Return the host whose log this one receives."""
    if context.topology.receiver != context.host or wanted_database_backups(context.stack) is None:
        return None
    return context.topology.primary_database
