"""The group receiver: what is refused, and what each host is given for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.derive import data, receiver, server
from roost.environment import load_environment
from roost.errors import InvalidDeclaration
from roost.secrets import required_secrets
from tests.support.rendering import role_variable
from tests.unit.environments import GOOD_STACK, write_environment

OFFSITE = "  backups: {offsite: {s3: {endpoint: s3.example.com, bucket: atlas}}}\n"
STACK: dict[str, Any] = {
    "tls": "selfsigned",
    "backups": {"offsite": {"s3": {"endpoint": "s3.example.com", "bucket": "atlas"}}},
    "apps": [
        {
            "name": "atlas",
            "framework": "django",
            "domains": ["atlas.test"],
            "source": {"git": "https://git.example.com/atlas.git", "version": "v1"},
            "wsgi": "atlas.wsgi",
        }
    ],
}
ONE_HOST = {part: ["vm1"] for part in ("web", "app", "database", "cache")}
GROUPS = ONE_HOST | {"all": ["vm1", "vm2"], "receiver": ["vm2"]}
FACTS = {"distribution": "Debian", "distribution_major_version": "12"}
HOSTVARS: dict[str, dict[str, Any]] = {
    "vm1": {"ansible_host": "192.0.2.1", "ansible_facts": FACTS},
    "vm2": {"ansible_host": "192.0.2.2"},
}
VAULT_APPS = {"atlas": {"database_password": "owner", "runtime_password": "runtime"}}
VAULT_BACKUPS = {"receiver_password": "received"}


def hosts(receivers: str, others: str = "web app worker database cache") -> str:
    """Three hosts, of which the first plays all other parts."""
    addresses = ", ".join(f"vm{number}: {{ansible_host: 192.0.2.{number}}}" for number in (1, 2, 3))
    members = dict.fromkeys(others.split(), "vm1: ") | {"control": "vm1: , vm2: , vm3: "}
    members["receiver"] = ", ".join(f"{name}: " for name in receivers.split())
    groups = "".join(f"    {part}: {{hosts: {{{names}}}}}\n" for part, names in members.items())
    return f"all:\n  hosts: {{{addresses}}}\n  children:\n{groups}"


def problems(tmp_path: Any, stack: str = GOOD_STACK + OFFSITE, **changed: str) -> list[str]:
    given_hosts = hosts(**({"receivers": "vm2"} | changed))
    try:
        load_environment(write_environment(tmp_path, stack=stack, hosts=given_hosts))
    except InvalidDeclaration as refused:
        return [f"{problem.key}: {problem.message}" for problem in refused.problems]
    return []


def test_another_host_may_receive_the_log(tmp_path: Any) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"receivers": "vm2 vm3"}, "One host receives PostgreSQL's log; there are 2."),
        ({"receivers": "vm1"}, "vm1 keeps the databases: what destroys it would destroy what it receives."),
    ],
)
def test_hosts_that_can_not_receive_it_are_refused(tmp_path: Any, changed: dict[str, str], problem: str) -> None:
    (told,) = problems(tmp_path, **changed)
    assert told.startswith(f"all.children.receiver: {problem}")


def test_without_databases_there_is_nothing_to_receive(tmp_path: Any) -> None:
    stack = GOOD_STACK + "      database: false\n" + OFFSITE
    assert set(problems(tmp_path, stack, others="web app worker cache")) == {
        "all.children.receiver: The group database has no host whose log could be received.",
        "stack.backups: The group receiver has a host, but no databases are backed up: remove it.",
    }


@pytest.mark.parametrize("said", ["", "  backups: true\n", "  backups: {at: '03:00'}\n"])
def test_the_log_alone_would_be_worth_nothing(tmp_path: Any, said: str) -> None:
    (told,) = problems(tmp_path, GOOD_STACK + said)
    assert told.startswith("stack.backups: The host in the group receiver has only what was committed since")


@pytest.mark.parametrize(
    "setting", ["synchronous_commit: 'off'", "synchronous_standby_names: other", "max_wal_senders: 0"]
)
def test_settings_that_the_receiver_could_not_bear_are_refused(tmp_path: Any, setting: str) -> None:
    (told,) = problems(tmp_path, GOOD_STACK + OFFSITE + f"  postgresql: {{settings: {{{setting}}}}}\n")
    assert told.startswith(f"stack.postgresql.settings.{setting.partition(':')[0]}: The receiver needs")


def test_its_password_is_made_up(tmp_path: Any) -> None:
    environment = load_environment(write_environment(tmp_path, stack=GOOD_STACK + OFFSITE, hosts=hosts("vm2")))
    made = {str(secret): secret.make for secret in required_secrets(environment)}
    assert made["vault_backups.receiver_password"] is not None


def test_each_host_gets_its_part() -> None:
    source, sink = (STACK, GROUPS, HOSTVARS, "vm1"), (STACK, GROUPS, HOSTVARS, "vm2")
    assert receiver.wal_sender_is_wanted(*source)
    assert not receiver.wal_sender_is_wanted(*sink)
    assert receiver.wal_receiver_host(*sink) == "192.0.2.1"
    assert receiver.wal_receiver_host(*source) == ""
    assert receiver.wal_receiver_password(*sink, VAULT_BACKUPS) == "received"
    assert receiver.wal_receiver_password(*source, {}) == ""
    assert receiver.wal_receiver_server_release(*sink, HOSTVARS) == "Debian 12"
    assert receiver.wal_receiver_server_release(*sink, {"vm1": {}}) == ""


def test_the_server_lets_the_receiver_in_and_nobody_else() -> None:
    source = (STACK, GROUPS, HOSTVARS, "vm1")
    assert data.postgresql_listen_addresses(*source) == ["127.0.0.1", "192.0.2.1"]
    assert data.postgresql_roles(*source, VAULT_APPS, VAULT_BACKUPS)[0] == {
        "name": "roost_receiver",
        "password": "received",
        "replication": True,
    }
    lines = data.postgresql_hba(*source, VAULT_APPS)
    assert {(line["type"], line["database"], line["user"], line["address"]) for line in lines} == {
        ("hostssl", "replication", "roost_receiver", "192.0.2.2/32"),
        ("hostssl", "postgres", "roost_receiver", "192.0.2.2/32"),
    }
    assert {rule["name"]: rule["sources"] for rule in server.firewall_rules(*source)}["postgresql"] == ["192.0.2.2"]


@given(st.sets(st.sampled_from(("web", "app", "worker", "database", "cache"))))
def test_nothing_is_received_without_a_receiver(parts: set[str]) -> None:
    groups = {"all": ["vm1", "vm2"]} | {part: ["vm1"] for part in parts}
    for name in ("vm1", "vm2"):
        given_host = (STACK, groups, HOSTVARS, name)
        assert not receiver.wal_sender_is_wanted(*given_host)
        assert receiver.wal_receiver_host(*given_host) == ""
        assert "roost_receiver" not in [role["name"] for role in data.postgresql_roles(*given_host, VAULT_APPS, {})]


@pytest.mark.parametrize(
    ("own", "server_release", "fits"),
    [
        ("12", "Debian 12", True),
        ("13", "Debian 12", True),
        ("12", "Debian 13", False),
        ("12", "Ubuntu 24", False),
        ("13", "Ubuntu 24", True),
        ("12", "", True),
    ],
)
def test_only_the_same_version_or_a_later_one_can_read_the_log(own: str, server_release: str, fits: bool) -> None:
    facts = {"distribution": "Debian", "distribution_major_version": own}
    host = {"ansible_facts": facts, "wal_receiver_server_release": server_release}
    version, server_version = (
        int(role_variable("wal_receiver", name, host))
        for name in ("__wal_receiver_version", "__wal_receiver_server_version")
    )
    assert (version >= server_version) == fits
