"""What the role postgresql computes from a host's processors and disk, and which clusters it finds there."""

import re
from typing import Any

import pytest

from tests.support.rendering import render_role, role_variable

STACK = {
    "acme_email": "ops@atlas.dev",
    "apps": [
        {
            "name": "atlas",
            "framework": "django",
            "domains": ["atlas.dev"],
            "source": {"git": "https://git.atlas.dev/atlas.git", "version": "v1"},
            "wsgi": "atlas.wsgi",
        }
    ],
}
FACTS = {"distribution": "Debian", "distribution_major_version": "13"}


def settings(processors: int, **postgresql: Any) -> dict[str, str]:
    """What both files of settings say on a host with so many processors."""
    (tree,) = render_role("postgresql", STACK | {"postgresql": postgresql}, "debian13", processors)
    texts = [content.decode() for file, content in tree.files if "/conf.d/" in file.path]
    assert len(texts) == 2
    return dict(re.findall(r"^([a-z_]+) = (.*)$", "".join(texts), re.MULTILINE))


@pytest.mark.parametrize(
    ("processors", "parallel", "for_one", "autovacuum", "cost_limit"),
    [(1, "1", "0", "3", "600"), (2, "2", "1", "3", "600"), (8, "8", "4", "3", "600"), (64, "64", "4", "6", "1200")],
)
def test_workers_are_as_many_as_the_processors_bear(
    processors: int, parallel: str, for_one: str, autovacuum: str, cost_limit: str
) -> None:
    found = settings(processors)
    assert found["max_parallel_workers"] == parallel
    assert found["max_parallel_workers_per_gather"] == found["max_parallel_maintenance_workers"] == for_one
    assert found["autovacuum_max_workers"] == autovacuum
    assert found["autovacuum_vacuum_cost_limit"] == cost_limit


def test_hosts_can_take_over_from_one_another() -> None:
    assert settings(1)["max_worker_processes"] == settings(64)["max_worker_processes"]


def test_a_disk_that_spins_is_spared() -> None:
    solid, spinning = settings(2), settings(2, disk="hdd")
    assert (solid["random_page_cost"], spinning["random_page_cost"]) == ("1.1", "4")
    assert (solid["effective_io_concurrency"], spinning["effective_io_concurrency"]) == ("200", "2")
    assert "autovacuum_vacuum_cost_limit" not in spinning


def test_clusters_of_another_version_are_found() -> None:
    files = ["/etc/postgresql/15/main/start.conf", "/etc/postgresql/17/main/start.conf", "/etc/a/b/start.conf"]
    started = {"files": [{"path": path} for path in files]}
    given = {"ansible_facts": FACTS, "__postgresql_started": started}
    assert role_variable("postgresql", "__postgresql_other_clusters", given) == ["15/main"]


@pytest.mark.parametrize(
    ("packages", "others"),
    [
        (["postgresql-17", "postgresql-client-15", "postgresql-common", "postgresql"], []),
        (["postgresql-15", "postgresql-17", "postgresql-15-postgis-3"], ["postgresql-15"]),
        ([], []),
    ],
)
def test_servers_of_another_version_are_found(packages: list[str], others: list[str]) -> None:
    given = {"ansible_facts": FACTS | {"packages": dict.fromkeys(packages, ())}}
    assert role_variable("postgresql", "__postgresql_other_servers", given) == others
