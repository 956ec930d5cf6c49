"""The stack's model: what is valid, what a framework implies, and that nothing dangerous gets through."""

import copy
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.errors import InvalidDeclaration
from roost.model import ResolvedApp, Stack, can_be_public, check_stack, parse_stack, resolved_apps
from tests.unit.environments import GOOD_STACK

INJECTION = set(";{}$`'\"\\\n\r\0 \t|&<>()*?#%^!")


def app_of(**changes: Any) -> dict[str, Any]:
    """Return an application with changes; `...` removes a key."""
    app = {
        "name": "atlas",
        "framework": "django",
        "domains": ["atlas.test"],
        "source": {"path": "apps/atlas"},
        "wsgi": "atlas.wsgi",
    } | changes
    return {key: value for key, value in app.items() if value is not ...}


def resolved(**changes: Any) -> ResolvedApp:
    (app,) = resolved_apps(parse_stack({"apps": [app_of(**changes)]}))
    return app


def test_the_smallest_stack_has_less_than_twelve_lines_and_everything_a_site_needs() -> None:
    assert len(GOOD_STACK.splitlines()) < 12
    (app,) = resolved_apps(parse_stack(yaml.safe_load(GOOD_STACK)["stack"]))
    assert app.web.module == "atlas.wsgi:application"
    assert (app.web.worker_class, app.web.workers, app.web.threads, app.web.health) == (
        "gthread",
        "auto",
        4,
        "/health/",
    )
    assert app.database is not None
    assert app.database.name == "atlas"
    assert (app.broker_database, app.cache_database) == (0, 1)
    assert app.celery is not None
    (pool,) = app.celery.pools
    assert (pool.name, pool.queues, pool.time_limit, pool.soft_time_limit) == ("default", ("celery",), 300, 270)
    assert app.release_commands == ("python manage.py migrate --noinput",)
    assert app.migrations == "python manage.py showmigrations --plan"
    assert app.build_commands == ("python manage.py collectstatic --noinput",)
    assert app.secrets == ("SECRET_KEY",)
    assert app.python.requirements == "requirements.txt"
    assert app.static is not None
    assert app.media is None


def test_what_the_frameworks_imply() -> None:
    api = resolved(framework="fastapi", asgi="api", wsgi=...)
    assert (api.web.module, api.web.worker_class, api.web.threads) == ("api:app", "uvicorn", 1)
    assert (api.database, api.redis_database, api.secrets, api.release_commands) == (None, None, (), ())
    flask = resolved(framework="flask", wsgi="site")
    assert (flask.web.module, flask.web.worker_class, flask.secrets) == ("site:app", "gthread", ("SECRET_KEY",))


def test_what_is_said_wins_over_what_the_framework_implies() -> None:
    app = resolved(database=False, redis=False, static=False, release_commands=[], build_commands=["make"])
    assert (app.database, app.redis_database, app.static) == (None, None, None)
    assert (app.release_commands, app.migrations, app.build_commands) == ((), None, ("make",))
    assert resolved(release_commands=["./migrate"]).migrations is None
    assert resolved(release_commands=["./migrate"], migrations="./migrate --list").migrations == "./migrate --list"
    app = resolved(framework="flask", wsgi="site:create", database=True, redis={"database": 3}, media=True)
    assert app.web.module == "site:create"
    assert app.database is not None
    assert (app.broker_database, app.cache_database) == (6, 7)
    assert app.media is not None


def test_dependencies_come_from_the_named_place_only() -> None:
    assert resolved(python={"lock": "uv.lock"}).python.requirements is None
    assert resolved(source={"pypi": "atlas-site==1.4.2"}).python.requirements is None


@pytest.mark.parametrize(
    ("stack", "app", "kind"),
    [
        ({}, {"domains": ["atlas.test"]}, "selfsigned"),
        ({}, {"domains": ["www.wikipedia.org"]}, "letsencrypt"),
        ({}, {"domains": ["www.wikipedia.org", "wiki.internal"]}, "selfsigned"),
        ({"acme_directory": "https://acme.test/dir"}, {"domains": ["atlas.test"]}, "letsencrypt"),
        ({"tls": "selfsigned"}, {"domains": ["www.wikipedia.org"]}, "selfsigned"),
        ({"tls": "selfsigned"}, {"domains": ["www.wikipedia.org"], "tls": "letsencrypt"}, "letsencrypt"),
    ],
)
def test_the_kind_of_certificate(stack: dict[str, Any], app: dict[str, Any], kind: str) -> None:
    assert resolved_apps(parse_stack({**stack, "apps": [app_of(**app)]}))[0].tls == kind


def test_domains_that_are_reserved_can_not_be_public() -> None:
    assert not any(map(can_be_public, ["atlas.test", "example.com", "www.example.org", "nas.home.arpa", "x.local"]))
    assert all(map(can_be_public, ["example.de", "myexample.com", "test.com"]))


def test_settings_of_postgresql_become_text_as_postgresql_reads_it() -> None:
    stack = parse_stack(
        {"postgresql": {"settings": {"jit": False, "work_mem": "8MB", "cost": 1.5}}, "apps": [app_of()]}
    )
    assert stack.postgresql.settings == {"jit": "off", "work_mem": "8MB", "cost": "1.5"}


def test_git_locations_of_every_kind() -> None:
    for location in (
        "https://git.example.com/atlas.git",
        "https://git.example.com:8443/team/atlas",
        "ssh://git@git.example.com:2222/atlas.git",
        "git@git.example.com:team/atlas.git",
        "file:///srv/git/atlas.git",
    ):
        assert resolved(source={"git": location, "version": "feature/x"}).source.git == location


def test_no_message_repeats_a_value_that_may_be_a_secret() -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        parse_stack(
            {
                "apps": [
                    app_of(
                        env={"TOKEN": "hunter2\nhunter2"},
                        database={"url": "mysql://u:hunter2@db/x"},
                        source={"git": "https://u:hunter2@git.example.com/a.git", "version": "v1"},
                    )
                ]
            }
        )
    assert "hunter2" not in str(refused.value)


# --- properties -----------------------------------------------------------------------------------------------

LETTERS = "abcxyz"
words = st.text(LETTERS, min_size=1, max_size=8)
names = words.map(lambda word: f"x_{word}")
domains = st.lists(words, min_size=2, max_size=4).map(".".join)
variables = st.text("XYZ_09", max_size=8).map(lambda name: f"X{name}")
lines = st.text("aé€ \t=:#'\"$`\\;}", max_size=20)
pools = st.fixed_dictionaries(
    {"name": names}, optional={"concurrency": st.integers(1, 128), "time_limit": st.integers(2, 86_400)}
)
apps = st.fixed_dictionaries(
    {
        "name": names,
        "framework": st.sampled_from(["django", "flask"]),
        "domains": st.lists(domains, min_size=1, max_size=3, unique=True),
        "source": st.just({"git": "git@git.example.com:a.git", "version": "v1"}),
        "wsgi": st.sampled_from(["a", "a.b", "a.b:c"]),
    },
    optional={
        "web": st.fixed_dictionaries({}, optional={"workers": st.one_of(st.just("auto"), st.integers(1, 64))}),
        "celery": st.fixed_dictionaries(
            {"app": st.just("x")}, optional={"pools": st.lists(pools, min_size=1, max_size=3)}
        ),
        "database": st.one_of(st.booleans(), st.just({"extensions": ["postgis"]})),
        "redis": st.one_of(st.booleans(), st.builds(lambda n: {"database": n}, st.integers(0, 63))),
        "env": st.dictionaries(variables, lines, max_size=3),
        "secrets": st.lists(variables, max_size=3, unique=True),
    },
)
stacks = st.fixed_dictionaries(
    {"apps": st.lists(apps, min_size=1, max_size=3)},
    optional={"timezone": st.just("Europe/Berlin"), "ssh": st.builds(lambda p: {"port": p}, st.integers(1, 65535))},
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | st.integers(), inner, max_size=4)
    ),
    max_leaves=10,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each container and key inside a stack."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *places(inner)]]


@given(stacks)
@settings(max_examples=50, deadline=None)
def test_every_valid_stack_loads_and_resolves(data: dict[str, Any]) -> None:
    stack, mistakes = check_stack(data)
    assert mistakes == []
    assert stack is not None
    for app in resolved_apps(stack):
        assert app.web.module.count(":") == 1
        assert all(pool.soft_time_limit < pool.time_limit for pool in (app.celery.pools if app.celery else ()))


@given(stacks, anything, st.data())
@settings(max_examples=100, deadline=None)
def test_a_changed_stack_is_valid_or_refused_with_a_place_but_never_crashes(
    data: dict[str, Any], value: Any, choose: st.DataObject
) -> None:
    # A copy: Hypothesis draws the same objects again.
    data = copy.deepcopy(data)
    container, key = choose.draw(st.sampled_from(places(data)))
    container[key] = value
    stack, mistakes = check_stack(data)
    assert (stack is None) == bool(mistakes)
    assert all(mistake.path[0] == "stack" and mistake.message.endswith(".") for mistake in mistakes)


@given(anything)
@settings(max_examples=80, deadline=None)
def test_anything_at_all_is_refused_or_valid(value: Any) -> None:
    stack, mistakes = check_stack(value)
    assert (stack is None) == bool(mistakes)


@given(st.text(max_size=12), st.sampled_from(sorted(INJECTION)), st.text(max_size=12))
@settings(max_examples=80, deadline=None)
def test_no_injection_character_survives_in_what_reaches_a_configuration_file(
    before: str, bad: str, after: str
) -> None:
    text = f"{before}{bad}{after}"
    for change in (
        {"name": f"a{text}"},
        {"domains": [f"{text}.test"]},
        {"wsgi": f"a{text}"},
        {"source": {"path": f"a{text}"}},
        {"source": {"git": f"https://git.example.com/{text}", "version": "v1"}},
        {"source": {"git": "git@git.example.com:a.git", "version": f"v{text}"}},
        {"web": {"health": f"/{text}"}},
        {"static": {"url": f"/{text}/"}},
        {"static": {"root": f"a{text}"}},
        {"celery": {"app": "atlas", "pools": [{"name": f"a{text}"}]}},
        {"celery": {"app": "atlas", "pools": [{"name": "a", "queues": [f"a{text}"]}]}},
        {"packages": [f"a{text}"]},
        {"database": {"name": f"a{text}"}},
        {"secrets": [f"A{text}"]},
    ):
        with pytest.raises(InvalidDeclaration):
            parse_stack({"apps": [app_of(**change)]})


@given(st.text(st.sampled_from("./abc-_"), max_size=20))
@settings(max_examples=150, deadline=None)
def test_no_path_leads_out_of_where_it_belongs(path: str) -> None:
    for change in ({"static": {"root": path}}, {"python": {"requirements": path}}, {"web": {"health": f"/{path}"}}):
        stack, _ = check_stack({"apps": [app_of(**change)]})
        if stack is not None:
            assert ".." not in path.split("/")
            assert not path.startswith("/") or "web" in change


def test_the_model_can_not_be_changed_later() -> None:
    stack = parse_stack({"apps": [app_of()]})
    with pytest.raises(ValueError, match="frozen"):
        stack.timezone = "Etc/GMT"  # type: ignore[misc] - the very thing that must fail


def test_every_key_of_the_stack_is_described_in_one_sentence_or_more() -> None:
    schema = Stack.model_json_schema()
    for definition in [schema, *schema["$defs"].values()]:
        for name, key in definition["properties"].items():
            assert re.search(r"[.:]", key["description"]), name
