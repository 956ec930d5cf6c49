"""Checks across several values (one example of each refusal is in bad_stacks; here are their edges)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from roost.budget import CONNECTION_RESERVE, connections_needed, connections_of
from roost.crosschecks import Subject, cross_check
from roost.model import parse_stack, resolved_apps
from roost.rawyaml import key_text
from roost.topology import Host, Topology
from tests.unit.environments import ALL_PARTS


def topology(*hosts: Iterable[str]) -> Topology:
    """Return hosts vm0, vm1, ... with the given parts."""
    made = tuple(Host(f"vm{n}", f"10.0.0.{n}", f"10.0.0.{n}", frozenset(parts)) for n, parts in enumerate(hosts))
    groups = {part: tuple(host.name for host in made if part in host.groups) for parts in hosts for part in parts}
    return Topology(made, groups)


SINGLE = topology(ALL_PARTS)


def app(name: str = "atlas", **changes: Any) -> dict[str, Any]:
    """Return an application with changes; `...` removes a key."""
    made = {
        "name": name,
        "framework": "django",
        "domains": [f"{name}.test"],
        "source": {"git": "git@git.example.com:a.git", "version": "v1"},
        "wsgi": "atlas.wsgi",
    } | changes
    return {key: value for key, value in made.items() if value is not ...}


def mistakes(*apps: dict[str, Any], hosts: Topology = SINGLE, sources: Path = Path(), **stack: Any) -> dict[str, str]:
    parsed = parse_stack({"apps": list(apps), **stack})
    found = cross_check(Subject(parsed, tuple(range(len(apps))), hosts, sources))
    return {key_text(mistake.path): mistake.message for mistake in found}


def test_an_ordinary_stack_has_none() -> None:
    assert mistakes(app(celery={"app": "atlas"}), app("borea", redis={"database": 1})) == {}


def test_a_database_goes_that_an_application_had_before_it_moved_elsewhere() -> None:
    moved = app(database={"url": "postgresql://u:p@db.example.com/x"})
    assert mistakes(moved, removed_databases=["atlas"]) == {}
    assert list(mistakes(app(), removed_databases=["atlas"])) == ["stack.removed_databases[0]"]


def test_names_are_taken_on_one_server_only() -> None:
    def there(server: str, **database: Any) -> dict[str, Any]:
        url = f"postgresql://root:secret@{server}.example.com/postgres"
        return {"database": {"admin_url": url, **database}}

    here = app("flock", redis={"database": 1}, database={"name": "atlas"})
    assert mistakes(app(**there("db")), here, hosts=SINGLE) == {}
    other = here | there("db", name="atlas")
    assert list(mistakes(app(**there("db")), other)) == ["stack.apps[1].database.name"]
    assert mistakes(app(**there("db")), here | there("other", name="atlas")) == {}
    role = here | there("db", name="atlas_app")
    assert list(mistakes(app(**there("db")), role)) == ["stack.apps[0].database"]


def test_a_runtime_role_is_the_owner_of_no_other_database() -> None:
    other = app("atlas_app", domains=["other.test"], redis={"database": 1})
    assert list(mistakes(app(), other)) == ["stack.apps[0].database"]
    assert list(mistakes(app(database={"name": "atlas"}), other)) == ["stack.apps[0].database"]
    assert mistakes(app(database={"runtime_role": False}), other) == {}
    assert mistakes(app(), other | {"database": {"name": "places"}}) == {}
    assert list(mistakes(app(), removed_databases=["atlas_app"])) == ["stack.removed_databases[0]"]
    assert mistakes(app(database={"runtime_role": False}), removed_databases=["atlas_app"]) == {}


@pytest.mark.parametrize(("limit", "refused"), [(77, True), (78, False)])
def test_the_connection_budget_is_exact(limit: int, refused: bool) -> None:
    found = mistakes(app(celery={"app": "atlas"}), postgresql={"max_connections": limit})
    assert ("stack.postgresql.max_connections" in found) == refused


def test_connections_count_every_host_and_every_process() -> None:
    web = {"workers": 3, "threads": 5}
    celery = {"app": "atlas", "beat": True, "pools": [{"name": "a", "concurrency": 4}, {"name": "b", "concurrency": 7}]}
    stack = parse_stack(
        {
            "apps": [
                app(web=web, celery=celery),
                app("elsewhere", database={"url": "postgresql://u:p@db.example.com/x"}),
                app("files", database=False),
                app("api", framework="fastapi", asgi="api", wsgi=..., database=True, web={"workers": 2}),
            ]
        }
    )
    hosts = topology(["web", "app"], ["web", "app"], ["worker"], ["worker"], ["worker"], ["database", "cache"])
    web_connections, celery_connections, api_connections = 2 * 2 * 3 * 5, 3 * 2 * (4 + 7) + 1, 2 * 2 * 2 * 5
    expected = web_connections + celery_connections + api_connections + CONNECTION_RESERVE
    assert connections_needed(connections_of(app, hosts) for app in resolved_apps(stack)) == expected


@pytest.mark.parametrize(
    ("pooler", "needed"),
    [(True, 5), ({"size": 12}, 12), ({"mode": "session"}, 64), ({"mode": "session", "size": 9}, 9), ({"size": 99}, 64)],
)
def test_behind_a_pooler_the_pool_counts(pooler: Any, needed: int) -> None:
    database = {"pooler": pooler}
    assert mistakes(app(database=database), postgresql={"max_connections": max(20, needed + 10)}) == {}
    if needed > 10:
        found = mistakes(app(database=database), postgresql={"max_connections": needed + 9})
        assert (
            f"up to {needed + 10} can be opened: atlas {needed} (pooler)" in found["stack.postgresql.max_connections"]
        )


def test_the_free_redis_number_is_one_that_nobody_has_asked_for() -> None:
    found = mistakes(app(), app("borea", redis={"database": 1}), app("cumulus"), app("delta"))
    assert "say redis: {database: 2}" in found["stack.apps[2].redis"]
    assert "say redis: {database: 3}" in found["stack.apps[3].redis"]


def test_a_broker_group_is_enough_for_celery_but_not_for_the_cache() -> None:
    hosts = topology(["web", "app", "worker", "database", "broker"])
    found = mistakes(app(celery={"app": "atlas"}), hosts=hosts)
    assert list(found) == ["stack.apps[0].redis"]
    assert "cache has no host" in found["stack.apps[0].redis"]


def test_a_database_elsewhere_needs_no_host() -> None:
    hosts = topology(["web", "app", "cache"])
    for key in ("url", "admin_url"):
        assert mistakes(app(database={key: "{{ vault_apps.atlas.DATABASE_URL }}"}), hosts=hosts) == {}


def test_local_sources_must_exist_and_hold_their_requirements(tmp_path: Path) -> None:
    source = {"path": "apps/atlas"}
    assert list(mistakes(app(source=source), sources=tmp_path)) == ["stack.apps[0].source.path"]
    folder = tmp_path / "apps" / "atlas"
    folder.mkdir(parents=True)
    assert list(mistakes(app(source=source), sources=tmp_path)) == ["stack.apps[0].python.requirements"]
    (folder / "requirements.txt").touch()
    assert mistakes(app(source=source), sources=tmp_path) == {}
    assert mistakes(app(source={"path": str(folder)}), sources=Path("/nowhere")) == {}


def test_a_front_end_needs_the_lock_file_of_npm(tmp_path: Path) -> None:
    (tmp_path / "frontend").mkdir()
    for name in ("requirements.txt", "frontend/package.json"):
        (tmp_path / name).touch()
    atlas = app(source={"path": str(tmp_path)}, frontend=True)
    assert list(mistakes(atlas)) == ["stack.apps[0].frontend"]
    assert "no file package-lock.json" in mistakes(atlas)["stack.apps[0].frontend"]
    (tmp_path / "frontend" / "package-lock.json").touch()
    assert mistakes(atlas) == {}


def test_default_pools_keep_the_soft_limit_below_the_hard_one() -> None:
    pools = [{"name": f"p{limit}", "time_limit": limit} for limit in (2, 3, 10, 86_400)]
    assert mistakes(app(celery={"app": "atlas", "pools": pools}), postgresql={}) == {}
