"""What the roles are given: the same stack on one server and on several."""

import base64
import hashlib
from typing import Any

import pytest
import yaml

from roost import derive
from roost.derive import apps, certificates, data, edge, elsewhere, packages, server
from roost.derive.apps import auto_workers
from roost.paths import bundle_root

LONGEST = 4000
STACK: dict[str, Any] = {
    "acme_email": "ops@atlas.dev",
    "apps": [
        {
            "name": "atlas",
            "framework": "django",
            "domains": ["atlas.dev", "www.atlas.dev"],
            "source": {"git": "https://git.atlas.dev/atlas.git", "version": "v1"},
            "wsgi": "atlas.wsgi",
            "celery": {
                "app": "atlas",
                "beat": True,
                "pools": [{"name": "default"}, {"name": "mail", "time_limit": LONGEST}],
                "flower": True,
            },
            "database": {"extensions": ["postgis"]},
            "secrets": ["MAP_TOKEN"],
            "env": {"EMAIL_HOST": "smtp.atlas.dev"},
            "web": {"maintenance_page": "pages/down.html"},
            "edge": {"pages": {"unavailable": "pages/rest.html"}},
        },
        {
            "name": "flock",
            "framework": "fastapi",
            "domains": ["flock.internal"],
            "source": {"pypi": "flock==1.0"},
            "asgi": "flock.main",
            "redis": {"database": 9},
            "packages": ["libvips42"],
            "web": {"server": "uvicorn"},
            "static": {"root": "flock/assets/"},
        },
    ],
}
VAULT_APPS = {
    "atlas": {
        "SECRET_KEY": "key",
        "MAP_TOKEN": "token",
        "database_password": "pass/word",
        "runtime_password": "run/time",
        "flower_password": "petals",
    },
    "flock": {},
}
ALL_PARTS = ("web", "app", "worker", "database", "cache")
ONE = {part: ["vm1"] for part in ALL_PARTS} | {"all": ["vm1"]}
MANY = {
    "all": ["a1", "a2", "w1", "d1", "c1"],
    "web": ["a1", "a2"],
    "app": ["a1", "a2"],
    "worker": ["w1"],
    "database": ["d1"],
    "cache": ["c1"],
}
ADDRESSES = {host: f"10.0.0.{number}" for number, host in enumerate(["vm1", *MANY["all"]])}


def arguments(groups: dict[str, list[str]], name: str, memory_mb: int = 4096) -> tuple[Any, ...]:
    facts = {"processor_vcpus": 2, "memtotal_mb": memory_mb}
    hostvars = {host: {"ansible_host": ADDRESSES[host], "ansible_facts": facts} for host in groups["all"]}
    return STACK, groups, hostvars, name


def app_on(groups: dict[str, list[str]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = apps.app_apps(*arguments(groups, name), VAULT_APPS, "secret", "inventories/prod")[0]
    return found


def variables(app: dict[str, Any], kind: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in app[kind]}


def test_every_filter_has_a_name_of_its_own() -> None:
    names = [name for names in derive.FILTERS.values() for name in names]
    assert len(set(names)) == len(names)


def test_every_filter_is_found() -> None:
    for names in derive.FILTERS.values():
        for name in names:
            assert derive.find(name).__name__ == name


def test_single_server_talks_to_itself() -> None:
    secrets = variables(app_on(ONE, "vm1"), "secrets")
    assert secrets["DATABASE_URL"] == "postgresql://atlas_app:run%2Ftime@127.0.0.1:5432/atlas"
    assert secrets["CELERY_BROKER_URL"] == "redis://:secret@127.0.0.1:6379/0"
    assert secrets["REDIS_URL"] == "redis://:secret@127.0.0.1:6379/1"
    assert data.postgresql_listen_addresses(*arguments(ONE, "vm1")) == ["127.0.0.1"]
    assert data.postgresql_hba(*arguments(ONE, "vm1"), VAULT_APPS) == []


def test_more_servers_reach_the_data_by_their_internal_addresses() -> None:
    secrets = variables(app_on(MANY, "w1"), "secrets")
    assert "@10.0.0.4:5432/" in secrets["DATABASE_URL"]
    assert "@10.0.0.5:6379/" in secrets["REDIS_URL"]
    assert data.postgresql_listen_addresses(*arguments(MANY, "d1")) == ["127.0.0.1", "10.0.0.4"]
    assert [(line["user"], line["address"]) for line in data.postgresql_hba(*arguments(MANY, "d1"), VAULT_APPS)] == [
        (role, f"10.0.0.{number}/32") for role in ("atlas", "atlas_app") for number in (1, 2, 3)
    ]


def test_what_serves_is_the_runtime_role_and_what_is_run_is_the_owner() -> None:
    url = "postgresql://atlas{}@127.0.0.1:5432/atlas"
    atlas = app_on(ONE, "vm1")
    assert variables(atlas, "secrets")["DATABASE_URL"] == url.format("_app:run%2Ftime")
    assert variables(atlas, "command_secrets") == {"DATABASE_URL": url.format(":pass%2Fword")}
    (database,) = data.postgresql_databases(*arguments(ONE, "vm1"))
    assert database == {"name": "atlas", "owner": "atlas", "runtime_role": "atlas_app", "extensions": ["postgis"]}


def test_without_a_runtime_role_the_owner_serves_and_the_role_before_is_still_let_in() -> None:
    stack = with_database(runtime_role=False, statement_timeout=30)
    for groups, host in ((ONE, "vm1"), (MANY, "a1")):
        _, *where = arguments(groups, host)
        atlas, *_ = apps.app_apps(stack, *where, VAULT_APPS, "secret", "inventories/prod")
        assert variables(atlas, "secrets")["DATABASE_URL"].startswith("postgresql://atlas:pass%2Fword@")
        assert atlas["command_secrets"] == []
    _, *where = arguments(MANY, "d1")
    assert data.postgresql_roles(stack, *where, VAULT_APPS, {}) == [
        {"name": "atlas", "password": "pass/word", "statement_timeout": 30}
    ]
    assert {line["user"] for line in data.postgresql_hba(stack, *where, VAULT_APPS)} == {"atlas", "atlas_app"}
    first, *others = STACK["apps"]
    taken = stack | {"apps": [stack["apps"][0], *others, first | {"name": "atlas_app", "redis": {"database": 1}}]}
    vault = VAULT_APPS | {"atlas_app": VAULT_APPS["atlas"]}
    lines = [line for line in data.postgresql_hba(taken, *where, vault) if line["database"] == "atlas"]
    assert {line["user"] for line in lines} == {"atlas"}
    never = {"atlas": {"database_password": "pass/word"}}
    assert {line["user"] for line in data.postgresql_hba(stack, *where, never)} == {"atlas"}


ADMIN_URL = "postgresql://root:ro%2Fot@db.example.com:25060/defaultdb"


def test_what_is_made_on_a_server_elsewhere_is_made_there_alone() -> None:
    stack = with_database(admin_url=ADMIN_URL, extensions=["postgis"], lock_timeout=3)
    _, *where = arguments(MANY, "d1")
    assert data.postgresql_roles(stack, *where, VAULT_APPS, {}) == data.postgresql_databases(stack, *where) == []
    assert data.postgresql_hba(stack, *where, VAULT_APPS) == []
    assert "postgresql-postgis" not in packages.packages_names(stack, *where)
    _, *where = arguments(MANY, "a1")
    assert elsewhere.postgresql_elsewhere(stack, *where, VAULT_APPS) == [
        {
            "name": "atlas",
            "admin_url": f"{ADMIN_URL}?sslmode=require",
            "roles": [
                {"name": "atlas", "password": "pass/word"},
                {"name": "atlas_app", "password": "run/time", "lock_timeout": 3},
            ],
            "database": {"name": "atlas", "owner": "atlas", "runtime_role": "atlas_app", "extensions": ["postgis"]},
        }
    ]


def test_a_database_elsewhere_is_reached_over_tls_by_each_of_its_roles() -> None:
    stack = with_database(admin_url=ADMIN_URL)
    url = "postgresql://atlas{}@db.example.com:25060/atlas?sslmode=require"
    serving, owner = url.format("_app:run%2Ftime"), url.format(":pass%2Fword")
    for host in ("a1", "w1"):
        _, *where = arguments(MANY, host)
        atlas, *_ = apps.app_apps(stack, *where, VAULT_APPS, "secret", "inventories/prod")
        assert variables(atlas, "secrets")["DATABASE_URL"] == serving
        assert variables(atlas, "command_secrets") == {"DATABASE_URL": owner}
        assert atlas["migrations"]["lift_time_limits"]
        assert elsewhere.databases_reached(stack, *where, VAULT_APPS) == [{"name": "atlas", "url": serving}]
    assert elsewhere.databases_reached(stack, *arguments(MANY, "d1")[1:], VAULT_APPS) == []
    _, *where = arguments(MANY, "a1")
    assert elsewhere.databases_examined(stack, *where) == [
        {"name": "atlas", "url": "postgresql://root:ro%2Fot@db.example.com:25060/atlas?sslmode=require"}
    ]
    assert elsewhere.backup_databases(stack, *where, VAULT_APPS) == [{"name": "atlas", "url": owner, "dumps": 2}]


def test_a_database_that_is_used_as_it_is_has_one_login_for_everything() -> None:
    url = "postgresql://u:p@db.example.com/x"
    stack = with_database(url=url, dumps=5)
    _, *where = arguments(MANY, "a1")
    atlas, *_ = apps.app_apps(stack, *where, VAULT_APPS, "secret", "inventories/prod")
    assert (variables(atlas, "secrets")["DATABASE_URL"], atlas["command_secrets"]) == (url, [])
    assert elsewhere.postgresql_elsewhere(stack, *where, VAULT_APPS) == []
    named = {"name": "atlas", "url": url}
    assert elsewhere.databases_examined(stack, *where) == [named]
    assert elsewhere.databases_reached(stack, *where, VAULT_APPS) == [named]
    assert elsewhere.backup_databases(stack, *where, VAULT_APPS) == [named | {"dumps": 5}]


def test_one_host_dumps_databases_elsewhere_and_can_do_without() -> None:
    stack = with_database(url="postgresql://u:p@db.example.com/x")
    for host, dumped in (("a1", True), ("a2", False), ("w1", False), ("d1", False)):
        _, *where = arguments(MANY, host)
        assert bool(elsewhere.backup_databases(stack, *where, VAULT_APPS)) == dumped
        assert ("restic" in packages.packages_names(stack, *where)) == (host != "d1")
    _, *where = arguments(MANY, "a1")
    assert elsewhere.backup_databases(stack | {"backups": False}, *where, VAULT_APPS) == []
    assert elsewhere.backup_databases(stack | {"backups": {"dumps": 0}}, *where, VAULT_APPS) == []


def test_a_database_goes_with_its_roles() -> None:
    stack, *where = arguments(ONE, "vm1")
    assert data.postgresql_removed_databases(stack, *where) == []
    removed = stack | {"removed_databases": ["old", "older"]}
    assert data.postgresql_removed_databases(removed, *where) == ["old", "older"]
    assert data.postgresql_removed_roles(removed, *where) == [
        f"{role}{login}" for role in ("old", "old_app", "older", "older_app") for login in ("-2", "")
    ]
    first, *others = stack["apps"]
    taken = {"removed_databases": ["old"], "apps": [first | {"database": {"name": "old_app"}}, *others]}
    assert data.postgresql_removed_roles(stack | taken, *where) == ["old-2", "old"]


ROTATED = VAULT_APPS["atlas"] | {
    "database_login": "second",
    "former_database_password": "old",
    "former_runtime_password": "older",
}


def test_after_a_rotation_the_other_logins_serve_and_the_former_ones_are_still_let_in() -> None:
    stack = with_database(statement_timeout=30, pooler=True)
    vault = VAULT_APPS | {"atlas": ROTATED}
    _, *where = arguments(MANY, "a1")
    atlas, *_ = apps.app_apps(stack, *where, vault, "secret", "inventories/prod")
    url = "postgresql://atlas{}-2:{}@10.0.0.4:{}/atlas"
    assert variables(atlas, "secrets")["DATABASE_URL"] == url.format("_app", "run%2Ftime", 6432)
    assert variables(atlas, "command_secrets") == {"DATABASE_URL": url.format("", "pass%2Fword", 5432)}
    assert data.app_former_logins(stack, *where, vault) == ["atlas", "atlas_app"]
    _, *where = arguments(MANY, "d1")
    assert data.postgresql_roles(stack, *where, vault, {}) == [
        {"name": "atlas"},
        {"name": "atlas-2", "password": "pass/word", "acts_as": "atlas"},
        {"name": "atlas_app", "statement_timeout": 30},
        {"name": "atlas_app-2", "password": "run/time", "acts_as": "atlas_app", "statement_timeout": 30},
    ]
    (database,) = data.postgresql_databases(stack, *where)
    assert (database["owner"], database["runtime_role"]) == ("atlas", "atlas_app")
    entering = ["atlas-2", "atlas_app-2", "atlas", "atlas_app"]
    assert [*dict.fromkeys(line["user"] for line in data.postgresql_hba(stack, *where, vault))] == entering
    (pooled,) = data.pgbouncer_databases(stack, *where, vault)
    assert [(user["name"], user["password"]) for user in pooled["users"]] == [
        *zip(entering, ["pass/word", "run/time", "old", "older"], strict=True)
    ]
    assert data.postgresql_former_logins(stack, *where, vault) == [
        {"role": "atlas", "application": "atlas"},
        {"role": "atlas_app", "application": "atlas"},
    ]


def test_the_next_rotation_goes_back_to_the_first_logins() -> None:
    stack, *where = arguments(ONE, "vm1")
    vault = VAULT_APPS | {"atlas": ROTATED | {"database_login": "first"}}
    roles = data.postgresql_roles(stack, *where, vault, {})
    assert [(role["name"], role.get("acts_as")) for role in roles] == [("atlas", None), ("atlas_app", None)]
    assert data.app_former_logins(stack, *where, vault) == ["atlas-2", "atlas_app-2"]
    assert data.app_former_logins(stack, *where, VAULT_APPS) == []


def test_a_former_login_that_is_another_owner_by_now_is_left_alone() -> None:
    first, *others = with_database(runtime_role=False)["apps"]
    taken = STACK | {"apps": [first, *others, first | {"name": "atlas_app", "redis": {"database": 1}}]}
    vault = VAULT_APPS | {"atlas": ROTATED, "atlas_app": VAULT_APPS["atlas"]}
    assert data.app_former_logins(taken, *arguments(ONE, "vm1")[1:], vault) == ["atlas"]


def test_what_uses_a_login_is_what_all_hosts_with_applications_tell_of() -> None:
    stack, groups, hostvars, name = arguments(MANY, "d1")
    use = {"role": "atlas_app", "application": "atlas", "by": "atlas@blue.service"}
    asked = {host: known | {"__app_logins": {"in_use": []}} for host, known in hostvars.items()}
    asked["a1"] = hostvars["a1"] | {"__app_logins": {"in_use": [use]}}
    assert data.postgresql_logins_in_use(stack, groups, asked, name) == [use | {"by": "atlas@blue.service on a1"}]
    for silent in (hostvars["w1"], hostvars["w1"] | {"__app_logins": {"failed": True}}):
        *_, unknown = data.postgresql_logins_in_use(stack, groups, asked | {"w1": silent}, name)
        assert unknown == {"role": "", "application": "", "by": "perhaps w1, which could not be asked"}


def test_ports_open_only_to_those_who_need_them() -> None:
    def opened(groups: dict[str, list[str]], name: str) -> dict[str, list[str]]:
        return {rule["port"]: rule["sources"] for rule in server.firewall_rules(*arguments(groups, name))}

    assert opened(ONE, "vm1") == {"80": [], "443": []}
    assert opened(MANY, "a1") == {"80": [], "443": []}
    assert opened(MANY, "w1") == {}
    assert opened(MANY, "d1") == {"5432": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}
    assert opened(MANY, "c1") == {"6379": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}


def test_release_commands_run_on_one_host_and_the_scheduler_too() -> None:
    assert [host for host in MANY["app"] if app_on(MANY, host)["run_release_commands"]] == ["a1"]
    assert app_on(MANY, "w1")["web"] is None
    assert not app_on(MANY, "w1")["run_release_commands"]
    assert [app["beat"] for app in apps.celery_apps(*arguments(MANY, "w1"))] == [True]


def with_database(**database: Any) -> dict[str, Any]:
    """STACK, with another database of its first application."""
    first, *others = STACK["apps"]
    return STACK | {"apps": [first | {"database": database}, *others]}


def test_time_limits_of_a_database_are_those_of_the_role_that_serves() -> None:
    stack = with_database(statement_timeout=30, idle_in_transaction_timeout=0)
    owner, runtime = data.postgresql_roles(stack, *arguments(ONE, "vm1")[1:], VAULT_APPS, {})
    limits = {"statement_timeout": 30, "idle_in_transaction_session_timeout": 0}
    assert owner == {"name": "atlas", "password": "pass/word"}
    assert runtime == {"name": "atlas_app", "password": "run/time"} | limits


def test_release_commands_send_no_options_to_a_database_elsewhere_unless_they_must() -> None:
    stack = with_database(url="postgresql://u:p@db.example.com/x", migration_lock_timeout=0)
    atlas, *_ = apps.app_apps(stack, *arguments(ONE, "vm1")[1:], VAULT_APPS, "secret", "inventories/prod")
    assert atlas["migrations"]["lock_timeout"] == 0
    assert not atlas["migrations"]["lift_time_limits"]


def test_migrations_have_a_listing_and_a_bound() -> None:
    atlas = app_on(MANY, "a1")
    listing = "python manage.py showmigrations --plan"
    assert atlas["migrations"] == {"listing": listing, "lock_timeout": 10, "lift_time_limits": True, "backup": False}
    assert "postgresql-client" in atlas["packages"]


def test_static_files_of_the_source_are_copied_to_where_nginx_may_read_them() -> None:
    flock = apps.app_apps(*arguments(ONE, "vm1"), VAULT_APPS, "secret", "inventories/prod")[1]
    assert flock["build_commands"] == ['cp --recursive flock/assets/. "$STATIC_ROOT/"']


def test_a_release_that_workers_can_not_load_is_not_built() -> None:
    assert "/usr/local/lib/roost/celery-check atlas >/dev/null" in app_on(ONE, "vm1")["build_commands"]


@pytest.mark.parametrize("limit", [2, 300, 1800, 1801, 3600, 86_400])
def test_a_task_is_killed_before_its_worker_and_that_before_the_broker_gives_it_to_another(limit: int) -> None:
    margin = yaml.safe_load((bundle_root() / "roles/celery/defaults/main.yml").read_text())["celery_stop_margin"]
    celery = {"app": "atlas", "pools": [{"name": "default", "time_limit": limit}]}
    stack = {**STACK, "apps": [{**STACK["apps"][0], "celery": celery}]}
    _, *others = arguments(ONE, "vm1")
    app = apps.app_apps(stack, *others, VAULT_APPS, "secret", "inventories/prod")[0]
    pool = apps.celery_apps(stack, *others)[0]["pools"][0]
    stopped = pool["time_limit"] + margin
    assert pool["soft_time_limit"] < pool["time_limit"] < stopped
    assert stopped <= int(variables(app, "environment")["CELERY_VISIBILITY_TIMEOUT"])


def test_flower_is_told_the_broker_and_nginx_the_same_place_and_password() -> None:
    flower = apps.celery_flower(*arguments(MANY, "a1"), VAULT_APPS, "secret")
    assert [(app["name"], app["url"], app["user"], app["password"]) for app in flower] == [
        ("atlas", "/flower/", "flower", "petals")
    ]
    assert flower[0]["broker_url"] == variables(app_on(MANY, "a1"), "secrets")["CELERY_BROKER_URL"]
    hashed = base64.b64decode(flower[0]["password_hash"].removeprefix("{SSHA}"))
    assert hashed[:20] == hashlib.sha1(b"petals" + hashed[20:], usedforsecurity=False).digest()
    sites = {site["name"]: site["protected"] for site in edge.nginx_sites(*arguments(MANY, "a1"))}
    assert [place["url"] for place in sites["atlas"]] == ["/flower/"]
    assert sites["flock"] == []


def test_uvicorn_alone_has_its_own_workers() -> None:
    web = apps.app_apps(*arguments(ONE, "vm1"), VAULT_APPS, "secret", "inventories/prod")[1]["web"]
    assert (web["server"], web["worker_class"], web["threads"]) == ("uvicorn", "uvicorn", 1)


def test_application_sees_ordinary_variables() -> None:
    app = app_on(ONE, "vm1")
    environment = variables(app, "environment")
    assert environment["ALLOWED_HOSTS"] == "atlas.dev,www.atlas.dev"
    assert environment["CSRF_TRUSTED_ORIGINS"] == "https://atlas.dev,https://www.atlas.dev"
    assert environment["EMAIL_HOST"] == "smtp.atlas.dev"
    assert int(environment["CELERY_VISIBILITY_TIMEOUT"]) > int(environment["CELERY_TASK_TIME_LIMIT"]) == LONGEST
    assert variables(app, "secrets")["MAP_TOKEN"] == "token"
    assert not set(environment) & set(variables(app, "secrets"))


def test_connections_can_not_run_out() -> None:
    declared = data.postgresql_max_connections(*arguments(MANY, "d1"))
    assert declared >= 2 * 8 * 4 + 4
    assert data.postgresql_max_connections(*arguments(ONE, "vm1")) >= 100


def test_redis_has_room_for_every_declared_database() -> None:
    assert data.redis_databases(*arguments(ONE, "vm1")) == 20


def test_sites_redirect_to_their_first_domain_and_private_ones_sign_themselves() -> None:
    atlas, flock = edge.nginx_sites(*arguments(ONE, "vm1"))
    assert (atlas["domains"], atlas["redirect_domains"]) == (["atlas.dev"], ["www.atlas.dev"])
    assert atlas["static"] == [
        {
            "url": "/static/",
            "path": "/srv/atlas/current/static/",
            "earlier_path": "/srv/atlas/previous/static",
            "immutable": True,
        }
    ]
    assert flock["static"] == [
        {
            "url": "/static/",
            "path": "/srv/flock/current/static/",
            "earlier_path": "/srv/flock/previous/static",
            "immutable": True,
        }
    ]
    assert (atlas["streams"], flock["streams"]) == (False, True)
    assert (atlas["health"], atlas["maintenance_page"]) == ("/health/", "/srv/atlas/current/src/pages/down.html")
    assert flock["maintenance_page"] == ""


def test_nginx_finds_pages_of_an_application_where_its_build_copies_them() -> None:
    copy = 'install -D --mode=644 pages/rest.html "$STATIC_ROOT/.roost/unavailable.html"'
    assert copy in app_on(ONE, "vm1")["build_commands"]
    atlas, flock = edge.nginx_sites(*arguments(ONE, "vm1"))
    assert atlas["pages"] == [{"name": "unavailable", "path": "/srv/atlas/current/static/.roost/unavailable.html"}]
    assert flock["pages"] == []


def test_a_front_end_owns_all_but_the_urls_of_its_application() -> None:
    frontend = {"path": "web", "backend": ["/api/", "/health/"], "node": "22.20.0", "env": {"VITE_TITLE": "Atlas"}}
    stack = {"acme_email": "ops@atlas.dev", "apps": [STACK["apps"][0] | {"frontend": frontend}]}
    rest = arguments(MANY, "a1")[1:]
    (site,) = edge.nginx_sites(stack, *rest)
    assert site["frontend"] == {"root": "/srv/atlas/current/frontend", "socket": "", "backend": ["/api/"]}
    assert site["static"][-1] == {
        "url": "/assets/",
        "path": "/srv/atlas/current/frontend/assets/",
        "earlier_path": "/srv/atlas/previous/frontend/assets",
        "immutable": True,
        "hashes": "short",
    }
    (app,) = apps.app_apps(stack, *rest, VAULT_APPS, "secret", "inventories/prod")
    assert app["frontend"] == {
        "path": "web",
        "kind": "static",
        "build": "npm run build",
        "output": "dist",
        "node": "22.20.0",
        "environment": [{"name": "VITE_TITLE", "value": "Atlas"}],
    }
    (worker,) = apps.app_apps(stack, *arguments(MANY, "w1")[1:], VAULT_APPS, "secret", "inventories/prod")
    assert worker["frontend"] is None


def test_a_front_end_with_a_server_is_proxied_and_its_files_are_served() -> None:
    stack = {"acme_email": "ops@atlas.dev", "apps": [STACK["apps"][0] | {"frontend": {"kind": "node"}}]}
    rest = arguments(ONE, "vm1")[1:]
    (site,) = edge.nginx_sites(stack, *rest)
    assert site["frontend"] == {"root": "", "socket": "/srv/atlas/frontend.sock", "backend": ["/api/", "/admin/"]}
    assert site["static"][-1] == {
        "url": "/_next/static/",
        "path": "/srv/atlas/current/frontend/.next/static/",
        "earlier_path": "/srv/atlas/previous/frontend/.next/static",
        "immutable": True,
        "hashes": "any",
    }
    (app,) = apps.app_apps(stack, *rest, VAULT_APPS, "secret", "inventories/prod")
    assert (app["frontend"]["kind"], app["frontend"]["output"]) == ("node", ".next/standalone")
    health = {"path": "/", "host": "atlas.dev"}
    assert app["frontend_server"] == {"arguments": "server.js", "health": health, "memory_max_mb": 0}


def test_certificates_come_from_the_authority_that_the_stack_names() -> None:
    dns = {"plugin": "rfc2136", "settings": {"server": "192.0.2.53"}, "secrets": ["secret"], "propagation_seconds": 9}
    wild = {"domains": ["atlas.dev", "www.atlas.dev", "*.atlas.dev"], "certificate": {"key": "rsa"}}
    stack = STACK | {"acme_directory": "staging", "acme_ca": "certs/ca.pem", "acme_dns": dns}
    rest = arguments(ONE, "vm1")[1:]
    (one, *_) = certificates.certbot_certificates(stack | {"apps": [STACK["apps"][0] | wild]}, *rest)
    assert (one["domains"], one["key_type"], one["challenge"]) == (wild["domains"], "rsa", "dns")
    assert certificates.certbot_directory_url(stack, *rest) == "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert (
        certificates.certbot_directory_url(stack | {"acme_directory": "https://ca.dev/d"}, *rest) == "https://ca.dev/d"
    )
    assert certificates.certbot_ca_file(stack, *rest, "/project/inventories/prod") == "/project/certs/ca.pem"
    assert certificates.certbot_dns_plugin(stack, *rest) == "rfc2136"
    assert certificates.certbot_dns_propagation_seconds(stack, *rest) == 9
    assert certificates.certbot_dns_settings(stack, *rest, {"secret": "abc"}) == [
        {"name": "server", "value": "192.0.2.53"},
        {"name": "secret", "value": "abc"},
    ]
    assert "python3-certbot-dns-rfc2136" in packages.packages_names(stack, *rest)


def test_the_first_web_host_has_certificates_issued_for_all() -> None:
    topology = {"web": ["w1", "w2", "w3"], "app": ["w1", "w2", "w3"]}
    hostvars = {name: {"ansible_host": f"203.0.113.{number}"} for number, name in enumerate(topology["web"], 1)}
    rest = ({"all": topology["web"], **topology}, hostvars)
    stack = {"acme_email": "ops@atlas.dev", "apps": STACK["apps"]}
    first, second = (stack, *rest, "w1"), (stack, *rest, "w2")
    assert [entry["kind"] for entry in certificates.certbot_certificates(*first)] == ["acme", "selfsigned"]
    assert [entry["kind"] for entry in certificates.certbot_certificates(*second)] == ["received", "selfsigned"]
    assert certificates.certbot_shared(*first) == certificates.certbot_shared(*second) == ["atlas"]
    assert (certificates.certbot_issuer_address(*first), certificates.nginx_acme_issuer(*first)) == ("", "")
    assert certificates.certbot_issuer_address(*second) == certificates.nginx_acme_issuer(*second) == "203.0.113.1"
    assert certificates.nginx_tls_clients(*first) == ["203.0.113.2", "203.0.113.3"]
    assert certificates.nginx_tls_clients(*second) == []


def test_the_only_web_host_shares_nothing() -> None:
    rest = arguments(ONE, "vm1")
    assert certificates.certbot_shared(*rest) == certificates.nginx_tls_clients(*rest) == []
    assert certificates.certbot_issuer_address(*rest) == certificates.nginx_acme_issuer(*rest) == ""


def test_a_stack_without_access_to_the_dns_needs_none() -> None:
    rest = arguments(ONE, "vm1")
    assert (certificates.certbot_ca_file(*rest, "/p/inventories/prod"), certificates.certbot_dns_plugin(*rest)) == (
        "",
        "",
    )
    assert certificates.certbot_dns_settings(*rest, {}) == []
    assert certificates.certbot_preflight(*rest) is True


def test_an_application_answers_for_each_name_under_its_wildcard() -> None:
    domains = ["atlas.dev", "www.atlas.dev", "*.atlas.dev"]
    stack = STACK | {"acme_dns": {"plugin": "rfc2136"}, "apps": [STACK["apps"][0] | {"domains": domains}]}
    rest = arguments(ONE, "vm1")[1:]
    (site,) = edge.nginx_sites(stack, *rest)
    assert (site["domains"], site["redirect_domains"]) == (["atlas.dev", "*.atlas.dev"], ["www.atlas.dev"])
    (app,) = apps.app_apps(stack, *rest, VAULT_APPS, "secret", "prod")
    environment = {entry["name"]: entry["value"] for entry in app["environment"]}
    assert environment["ALLOWED_HOSTS"] == "atlas.dev,www.atlas.dev,.atlas.dev"
    assert environment["CSRF_TRUSTED_ORIGINS"].endswith(",https://*.atlas.dev")


def edged(edge: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"acme_email": "ops@atlas.dev", "apps": [STACK["apps"][0] | {"edge": edge} | more]}


def test_headers_and_hsts_reach_every_site() -> None:
    rest = arguments(ONE, "vm1")[1:]
    (site,) = edge.nginx_sites(edged({}), *rest)
    names = ["Permissions-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Frame-Options"]
    assert [header["name"] for header in site["headers"]] == names
    assert (site["hsts"], site["hsts_scope"], site["cors"]) == (True, "host", None)
    declared = {"hsts": "preload", "headers": {"content_security_policy": "default-src 'self'"}}
    (site,) = edge.nginx_sites(edged(declared), *rest)
    assert site["headers"][0] == {"name": "Content-Security-Policy", "value": "default-src 'self'"}
    assert (site["hsts"], site["hsts_scope"]) == (True, "preload")
    (site,) = edge.nginx_sites(edged({"hsts": "never"}), *rest)
    assert not site["hsts"]


@pytest.mark.parametrize(("memory_mb", "connections"), [(512, 1024), (2048, 2560), (4096, 5376), (64_000, 8192)])
def test_connections_of_nginx_grow_with_the_host(memory_mb: int, connections: int) -> None:
    assert edge.nginx_worker_connections(*arguments(ONE, "vm1", memory_mb)) == connections


def test_locations_know_who_answers_them() -> None:
    pulse = {
        "name": "pulse",
        "framework": "fastapi",
        "asgi": "pulse:app",
        "domains": [],
        "source": {"git": "https://git.example.com/pulse.git", "version": "v1"},
        "static": {"url": "/ws/static/"},
        "web": {"max_body_mb": 5, "health": "/up"},
    }
    places = [
        {"path": "/api/login", "limits": {"rate": "5/m", "burst": 2}},
        {"path": "/docs/", "password": True},
        {"path": "/ws/", "app": "pulse"},
        {"path": "/api/", "max_body_mb": 500},
    ]
    stack = edged({"locations": places}, frontend=True)
    stack["apps"].append(pulse)
    rest = arguments(ONE, "vm1")[1:]
    atlas, other = edge.nginx_sites(stack, *rest)
    login, docs, sockets, api = atlas["locations"]
    assert (login["rate"], login["burst"], login["socket"], login["root"]) == ("5r/m", 2, "/srv/atlas/live.sock", "")
    assert (docs["root"], docs["password_file"]) == ("/srv/atlas/current/frontend", "/etc/roost/nginx/atlas.htpasswd")
    assert (sockets["site"], sockets["socket"], sockets["streams"]) == ("pulse", "/srv/pulse/live.sock", True)
    assert (sockets["max_body_mb"], api["max_body_mb"], login["max_body_mb"]) == (5, 500, 0)
    assert atlas["frontend"]["backend"] == ["/admin/"]
    assert atlas["static"][-1]["path"] == "/srv/pulse/current/static/"
    assert (other["domains"], other["name"]) == ([], "pulse")
    assert [entry["name"] for entry in certificates.certbot_certificates(stack, *rest)] == ["atlas"]
    (entry,) = edge.nginx_passwords(stack, *rest, {"atlas": {"edge_password": "letters"}})
    assert (entry["name"], entry["user"]) == ("atlas", "atlas")
    apps_of_host = apps.app_apps(stack, *rest, VAULT_APPS | {"pulse": {}}, "secret", "inventories/prod")
    assert apps_of_host[1]["health"] == {"path": "/up", "host": "atlas.dev"}
    assert {"name": "ALLOWED_HOSTS", "value": "atlas.dev"} in apps_of_host[1]["environment"]


def test_packages_are_those_of_the_roles_that_a_host_gets() -> None:
    everything = packages.packages_names(*arguments(ONE, "vm1"))
    wanted = {"postgresql", "postgresql-postgis", "nginx", "supervisor", "certbot", "nftables", "libvips42"}
    assert wanted <= set(everything)
    assert everything == sorted(set(everything))
    assert "nginx" not in packages.packages_names(*arguments(MANY, "d1"))


def test_a_firewall_for_applications_brings_its_packages_to_web_hosts_only() -> None:
    stack, rules = edged({"waf": "detect"}), {"libnginx-mod-http-modsecurity", "modsecurity-crs"}
    assert rules <= set(packages.packages_names(stack, *arguments(MANY, "a1")[1:]))
    assert not rules & set(packages.packages_names(stack, *arguments(MANY, "w1")[1:]))
    assert not rules & set(packages.packages_names(*arguments(MANY, "a1")))
    assert edge.nginx_sites(stack, *arguments(MANY, "a1")[1:])[0]["waf"] == "detect"
    assert "postgresql" not in packages.packages_names(*arguments(MANY, "a1"))


@pytest.mark.parametrize(
    ("cpus", "memory_mb", "count", "expected"),
    [(1, 512, 1, 2), (1, 4096, 1, 3), (2, 4096, 1, 5), (2, 1024, 1, 2), (2, 4096, 4, 2), (64, 262_144, 1, 8)],
)
def test_auto_workers_follow_processors_and_memory(cpus: int, memory_mb: int, count: int, expected: int) -> None:
    assert auto_workers(cpus, memory_mb, count) == expected


def test_a_deploy_key_comes_from_the_vault() -> None:
    source = {"git": "git@git.atlas.dev:atlas.git", "version": "v1", "deploy_key": True}
    stack = STACK | {"apps": [STACK["apps"][0] | {"source": source}]}
    given = apps.app_apps(
        stack, *arguments(ONE, "vm1")[1:], {"atlas": VAULT_APPS["atlas"] | {"deploy_key": "a key"}}, "secret", "prod"
    )
    assert given[0]["source"] == {
        "kind": "git",
        "location": "git@git.atlas.dev:atlas.git",
        "version": "v1",
        "deploy_key": "a key",
    }


def test_a_packaged_django_is_managed_without_its_source() -> None:
    stack = STACK | {"apps": [STACK["apps"][0] | {"source": {"pypi": "atlas==1.0"}, "settings": "atlas.settings"}]}
    given = apps.app_apps(stack, *arguments(ONE, "vm1")[1:], VAULT_APPS, "secret", "prod")[0]
    assert given["release_commands"] == ["python -m django migrate --noinput"]
    assert given["build_commands"][0] == "python -m django collectstatic --noinput"


def test_those_who_are_told_get_their_secrets_and_hooks_their_point() -> None:
    hooks = {"after_switch": ["warm up"], "smoke": ["/health/"], "slack": True, "webhook": {"key": "SIGNING_KEY"}}
    atlas = STACK["apps"][0] | {"hooks": hooks}
    vault = {"SLACK_WEBHOOK_URL": "https://slack", "DEPLOY_WEBHOOK_URL": "https://hook", "SIGNING_KEY": "k3y"}
    stack, *rest = arguments(MANY, "a1")
    found = apps.app_apps(
        stack | {"apps": [atlas]}, *rest, {"atlas": VAULT_APPS["atlas"] | vault}, "secret", "inventories/prod"
    )[0]["hooks"]
    assert found["commands"] == [{"point": "after_switch", "run": "warm up", "where": "release", "timeout": 300}]
    assert (found["smoke"], found["domain"], found["address"]) == (["/health/"], "atlas.dev", "127.0.0.1")
    assert found["notices"] == [
        {"kind": "slack", "url": "https://slack"},
        {"kind": "webhook", "url": "https://hook", "key": "k3y"},
    ]


POOLED = STACK | {"apps": [STACK["apps"][0] | {"database": {"pooler": True}}, STACK["apps"][1] | {"database": True}]}
POOLED_VAULT = VAULT_APPS | {"flock": {"database_password": "word", "runtime_password": "time"}}


def test_a_pooled_application_is_led_to_the_pooler_and_its_commands_past_it() -> None:
    for groups, name, address in ((ONE, "vm1", "127.0.0.1"), (MANY, "a1", "10.0.0.4")):
        _, *rest = arguments(groups, name)
        atlas, flock = apps.app_apps(POOLED, *rest, POOLED_VAULT, "secret", "inventories/prod")
        url = f"postgresql://{{}}@{address}:{{}}/{{}}"
        assert variables(atlas, "secrets")["DATABASE_URL"] == url.format("atlas_app:run%2Ftime", 6432, "atlas")
        assert variables(atlas, "command_secrets") == {"DATABASE_URL": url.format("atlas:pass%2Fword", 5432, "atlas")}
        assert variables(flock, "secrets")["DATABASE_URL"] == url.format("flock_app:time", 5432, "flock")
        assert variables(flock, "command_secrets") == {"DATABASE_URL": url.format("flock:word", 5432, "flock")}


def test_commands_of_an_owner_that_is_pooled_go_past_the_pooler() -> None:
    stack = with_database(runtime_role=False, pooler=True)
    atlas, *_ = apps.app_apps(stack, *arguments(ONE, "vm1")[1:], VAULT_APPS, "secret", "inventories/prod")
    assert "@127.0.0.1:6432/" in variables(atlas, "secrets")["DATABASE_URL"]
    assert "@127.0.0.1:5432/" in variables(atlas, "command_secrets")["DATABASE_URL"]


def test_the_pooler_has_every_database_once_an_application_wants_it() -> None:
    _, *rest = arguments(MANY, "d1")
    atlas, flock = data.pgbouncer_databases(POOLED, *rest, POOLED_VAULT)
    users = [{"name": "atlas", "password": "pass/word"}, {"name": "atlas_app", "password": "run/time"}]
    assert atlas == {"name": "atlas", "users": users, "mode": "transaction", "size": 20}
    assert (flock["mode"], flock["size"]) == ("session", 160)
    assert data.postgresql_max_connections(POOLED, *rest) == 20 + 160 + 10
    assert data.pgbouncer_max_client_connections(POOLED, *rest) == 2 * 64 + 9 + 160
    assert data.pgbouncer_databases(*arguments(MANY, "d1"), VAULT_APPS) == []


def test_the_pooler_is_installed_and_reached_only_where_one_is_wanted() -> None:
    _, *rest = arguments(MANY, "d1")
    opened = {rule["port"]: rule["sources"] for rule in server.firewall_rules(POOLED, *rest)}
    assert opened["6432"] == opened["5432"] == data.pgbouncer_clients(POOLED, *rest)
    assert "pgbouncer" in packages.packages_names(POOLED, *rest)
    assert "pgbouncer" not in packages.packages_names(*arguments(MANY, "d1"))
    assert "pgbouncer" not in packages.packages_names(POOLED, *arguments(MANY, "a1")[1:])
