"""The inputs of the roles that every host has: base, ssh, firewall."""

from typing import Any

from roost.derive.context import Context, role_input

PGBOUNCER_PORT = 6432
POSTGRESQL_PORT = 5432
REDIS_PORT = 6379


@role_input
def base_timezone(context: Context) -> str:
    return context.stack.timezone


@role_input
def base_admin_users(context: Context) -> list[dict[str, Any]]:
    return [user.model_dump() for user in context.stack.admin_users]


@role_input
def ssh_port(context: Context) -> int:
    return context.stack.ssh.port


@role_input
def firewall_rules(context: Context) -> list[dict[str, Any]]:
    """Return what may come in: the sites for everyone, the data only for the hosts that need it."""
    rules = []
    if context.plays("web"):
        rules += [_rule("http", 80), _rule("https", 443)]
    clients = [host.internal_address for host in context.clients()]
    receivers = [context.receiver.internal_address] if context.receiver else []
    readers = list(dict.fromkeys([*clients, *receivers]))
    if readers and context.plays("database"):
        rules.append(_rule("postgresql", POSTGRESQL_PORT, readers))
    if clients and context.plays("database") and context.pooled:
        rules.append(_rule("pgbouncer", PGBOUNCER_PORT, clients))
    if clients and (context.plays("cache") or context.plays("broker")):
        rules.append(_rule("redis", REDIS_PORT, clients))
    return rules + [rule.model_dump() | {"port": str(rule.port)} for rule in context.stack.firewall.allow]


def _rule(name: str, port: int, sources: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "port": str(port), "protocol": "tcp", "sources": sources or []}
