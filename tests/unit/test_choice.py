import pytest

from roost.choice import chosen_app, chosen_hosts, known_app
from roost.errors import UsageError
from roost.topology import Topology

GROUPS = {"all": ["w1", "a1", "a2", "d1"], "app": ["a1", "a2"], "worker": ["w1", "a2"], "database": ["d1"]}
TOPOLOGY = Topology.from_ansible(GROUPS, {name: {} for name in GROUPS["all"]})


def names(name: str, groups: list[str]) -> list[str]:
    return [host.name for host in chosen_hosts(name, TOPOLOGY, groups)]


def test_the_only_application_needs_no_name() -> None:
    assert chosen_app("", ["shop"]) == "shop"
    assert chosen_app("blog", ["shop", "blog"]) == "blog"


def test_one_of_several_applications_must_be_named() -> None:
    with pytest.raises(UsageError, match="more than one") as caught:
        chosen_app("", ["shop", "blog"])
    assert caught.value.hint == "Say which: --app shop or blog."


def test_an_unknown_application_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "shop"'):
        known_app("shpo", ["shop", "blog"])


def test_hosts_are_those_of_the_groups_the_first_group_first() -> None:
    assert names("", ["app", "worker"]) == ["a1", "a2", "w1"]
    assert names("w1", ["app", "worker"]) == ["w1"]


def test_an_unknown_host_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="There is no host d2"):
        names("d2", ["app"])


def test_a_host_without_the_application_is_refused() -> None:
    with pytest.raises(UsageError, match="d1 is not in the group app or worker") as caught:
        names("d1", ["app", "worker"])
    assert caught.value.hint == "There: a1, a2, w1."
    with pytest.raises(UsageError, match="There is no host in the group web"):
        names("", ["web"])
