"""The pure parts of postgresql_objects: password verifiers, planning, scripts."""

from typing import Any

import pytest

from tests.support.modules import load_module

objects = load_module("postgresql_objects")

# What PostgreSQL 15 stored for this password.
PASSWORD = "pencil"
VERIFIER = (
    "SCRAM-SHA-256$4096:s8k9lLk/s6N91vb+nSCJ2g==$dptsRbPKH68wIx8qEZHL9C1EMGqDsYmDqPYOdhaLZvU="
    ":28BWPB7OuDh3kiCcRXA3EMGbpxDCAnZzLUNVzm6JsNQ="
)

ROLE = {"name": "atlas", "password": PASSWORD}
DATABASE = {"name": "atlas", "owner": "atlas", "extensions": ["postgis"]}
EMPTY: dict[str, Any] = {"roles": {}, "databases": {}, "contents": {}}


def changed(found: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The same, except for `changes` by dotted path."""
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = found
        for parent in parents:
            target = target[parent]
        target[last] = value
    return found


def state(**changes: Any) -> dict[str, Any]:
    """A server on which ROLE and DATABASE are as declared, except for `changes` by dotted path."""
    found: dict[str, Any] = {
        "roles": {"atlas": {"login": True, "verifier": VERIFIER, "settings": {"work_mem": "8MB"}}},
        "databases": {"atlas": {"owner": "atlas", "public": False}},
        "contents": {"atlas": {"extensions": ["plpgsql", "postgis"], "schema": {"owner": "atlas", "public": False}}},
    }
    return changed(found, changes)


def shown(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step.database, step.shown) for step in objects.plan([ROLE], [DATABASE], found)]


@pytest.mark.parametrize(
    ("actual", "statements"),
    [
        (None, ["CREATE ROLE \"atlas\" LOGIN REPLICATION PASSWORD '********'"]),
        ({"powers": []}, ['ALTER ROLE "atlas" REPLICATION']),
        ({"powers": ["REPLICATION"]}, []),
    ],
)
def test_one_that_reads_the_log_gets_the_right_to(actual: dict[str, Any] | None, statements: list[str]) -> None:
    there = actual and {"login": True, "verifier": VERIFIER, "settings": {}} | actual
    assert [step.shown for step in objects.plan_role(ROLE | {"replication": True}, there)] == statements


def test_verifier_is_the_one_that_postgresql_makes() -> None:
    assert objects.password_matches(PASSWORD, VERIFIER)


@pytest.mark.parametrize(
    ("password", "verifier"),
    [
        ("Pencil", VERIFIER),
        (PASSWORD, None),
        (PASSWORD, ""),
        (PASSWORD, "md5a6343a68d964ca596d9752250d54bb8a"),
        (PASSWORD, VERIFIER.replace("$4096:", "$4097:")),
        (PASSWORD, VERIFIER[:-2] + "AA"),
    ],
)
def test_other_passwords_and_verifiers_do_not_match(password: str, verifier: str | None) -> None:
    assert not objects.password_matches(password, verifier)


def test_nothing_to_do() -> None:
    assert shown(state()) == []


def test_everything_is_new() -> None:
    assert shown(EMPTY) == [
        ("postgres", "CREATE ROLE \"atlas\" LOGIN PASSWORD '********'"),
        (
            "postgres",
            "CREATE DATABASE \"atlas\" OWNER \"atlas\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
        ),
        ("postgres", 'REVOKE ALL ON DATABASE "atlas" FROM PUBLIC'),
        ("atlas", 'ALTER SCHEMA public OWNER TO "atlas"'),
        ("atlas", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        ("atlas", 'CREATE EXTENSION "postgis" CASCADE'),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"roles__atlas__login": False}, ("postgres", 'ALTER ROLE "atlas" LOGIN')),
        ({"roles__atlas__verifier": None}, ("postgres", "ALTER ROLE \"atlas\" PASSWORD '********'")),
        (
            {"roles__atlas__settings": {"statement_timeout": "30s"}},
            ("postgres", 'ALTER ROLE "atlas" RESET statement_timeout'),
        ),
        ({"databases__atlas__owner": "old"}, ("postgres", 'ALTER DATABASE "atlas" OWNER TO "atlas"')),
        ({"databases__atlas__public": True}, ("postgres", 'REVOKE ALL ON DATABASE "atlas" FROM PUBLIC')),
        (
            {"contents__atlas__schema__owner": "pg_database_owner"},
            ("atlas", 'ALTER SCHEMA public OWNER TO "atlas"'),
        ),
        (
            {"contents__atlas__schema__public": True},
            ("atlas", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        ),
        ({"contents__atlas__extensions": ["plpgsql"]}, ("atlas", 'CREATE EXTENSION "postgis" CASCADE')),
    ],
)
def test_only_the_difference_is_changed(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert shown(state(**changes)) == [expected]


LIMITED = ROLE | {"statement_timeout": 30, "lock_timeout": 0, "idle_in_transaction_session_timeout": None}


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        ({"statement_timeout": "30s", "lock_timeout": "0s"}, []),
        ({"statement_timeout": "30s"}, ["SET lock_timeout = '0s'"]),
        ({"statement_timeout": "45s", "lock_timeout": "0s"}, ["SET statement_timeout = '30s'"]),
        (
            {"statement_timeout": "30s", "lock_timeout": "0s", "idle_in_transaction_session_timeout": "1min"},
            ["RESET idle_in_transaction_session_timeout"],
        ),
        ({}, ["SET statement_timeout = '30s'", "SET lock_timeout = '0s'"]),
    ],
)
def test_time_limits_are_set_and_reset_and_other_settings_stay(found: dict[str, str], changes: list[str]) -> None:
    actual = state(roles__atlas__settings={"search_path": "atlas", **found})
    steps = objects.plan([LIMITED], [], actual)
    assert [step.sql for step in steps] == [f'ALTER ROLE "atlas" {change}' for change in changes]


def test_a_new_role_has_its_time_limits_at_once() -> None:
    assert [step.shown for step in objects.plan([LIMITED], [], EMPTY)] == [
        "CREATE ROLE \"atlas\" LOGIN PASSWORD '********'",
        "ALTER ROLE \"atlas\" SET statement_timeout = '30s'",
        "ALTER ROLE \"atlas\" SET lock_timeout = '0s'",
    ]


def test_a_database_without_a_public_schema_keeps_none() -> None:
    assert shown(state(contents__atlas__schema=None)) == []


def test_an_administrator_elsewhere_acts_for_the_owner_and_takes_the_locale_that_is_there() -> None:
    new = [step.shown for step in objects.plan([ROLE], [DATABASE], EMPTY, "root")]
    assert new[:3] == [
        "CREATE ROLE \"atlas\" LOGIN PASSWORD '********'",
        'GRANT "atlas" TO "root"',
        'CREATE DATABASE "atlas" OWNER "atlas" TEMPLATE template0 ENCODING \'UTF8\'',
    ]
    stranger = state(roles__atlas__administered=False)
    assert [step.sql for step in objects.plan([ROLE], [DATABASE], stranger, "root")] == ['GRANT "atlas" TO "root"']
    assert objects.plan([ROLE], [DATABASE], state(roles__atlas__administered=True), "root") == []


def test_a_session_elsewhere_comes_back_to_the_database_of_its_url() -> None:
    script = objects.state_script([ROLE], [DATABASE], "pg_roles", "defaultdb")
    assert "pg_authid" not in script
    assert "\\connect postgres" not in script
    steps = objects.plan([ROLE], [DATABASE, {"name": "other", "owner": "atlas", "extensions": []}], EMPTY, "root")
    connects = [line for line in objects.change_script(steps, "defaultdb").splitlines() if line.startswith("\\")]
    assert connects == ["\\connect atlas", "\\connect defaultdb", "\\connect other"]


def test_no_argument_of_psql_elsewhere_is_a_secret_and_none_of_its_settings_a_superusers() -> None:
    psql = objects.of_server("/usr/bin/psql", "postgresql://root:secret@db.example.com/defaultdb?sslmode=require")
    assert (psql.command, psql.home) == (("/usr/bin/psql",), "defaultdb")
    assert (psql.login["PGPASSWORD"], psql.login["PGSSLMODE"]) == ("secret", "require")
    assert "log_statement" not in psql.options
    assert "log_statement=none" in objects.of_this_host("/usr/bin/psql", 5432).options


RUNTIME = {"name": "atlas_app", "password": PASSWORD, "statement_timeout": 30}
SERVED = DATABASE | {"runtime_role": "atlas_app"}


def served(**changes: Any) -> dict[str, Any]:
    """A server on which ROLE, RUNTIME and SERVED are as declared, except for `changes` by dotted path."""
    limited = {"powers": [], "memberships": [], "members": ["atlas"]}
    settings = {"statement_timeout": "30s", "work_mem": "4MB", "search_path": "public"}
    rights = {"r": ["SELECT", "INSERT", "UPDATE", "DELETE"], "S": ["SELECT", "USAGE", "UPDATE"]}
    found = state(
        roles__atlas_app={"login": True, "verifier": VERIFIER, "settings": settings, **limited},
        databases__atlas__rights={"atlas_app": ["CONNECT", "TEMPORARY"]},
        contents__atlas__runtime=objects.runtime_role.NEW_DATABASE
        | {"schemas": {"public": ["USAGE"]}, "defaults": rights | {"f": ["EXECUTE"], "n": ["USAGE"]}},
    )
    return changed(found, changes)


def shown_served(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step.database, step.shown) for step in objects.plan([ROLE, RUNTIME], [SERVED], found)]


def test_a_runtime_role_that_has_its_rights_changes_nothing() -> None:
    assert shown_served(served()) == []
    assert objects.warnings([SERVED], served()) == []


def test_a_new_runtime_role_is_let_in_last() -> None:
    everything = shown_served(EMPTY)
    assert ("postgres", 'GRANT "atlas_app" TO "atlas"') in everything
    place = everything.index(("postgres", "ALTER ROLE \"atlas_app\" SET \"search_path\" = 'atlas', 'public'"))
    assert ("postgres", "CREATE ROLE \"atlas_app\" LOGIN PASSWORD '********'") in everything[:place]
    assert ("atlas", 'CREATE EXTENSION "postgis" CASCADE') in everything[:place]
    assert everything[place + 1 : place + 3] == [
        ("postgres", 'GRANT CONNECT, TEMPORARY ON DATABASE "atlas" TO "atlas_app"'),
        ("atlas", 'GRANT USAGE ON SCHEMA "public" TO "atlas_app"'),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"roles__atlas_app__members": []}, ("postgres", 'GRANT "atlas_app" TO "atlas"')),
        (
            {"roles__atlas_app__powers": ["CREATEDB"]},
            ("postgres", 'ALTER ROLE "atlas_app" NOCREATEDB'),
        ),
        (
            {"roles__atlas__settings": {"app.key": "hunter2", "statement_timeout": "5s"}},
            [
                ("postgres", 'ALTER ROLE "atlas" RESET statement_timeout'),
                ("postgres", 'ALTER ROLE "atlas_app" SET "app.key" = \'********\''),
            ],
        ),
        (
            {"databases__atlas__rights": {"atlas": ["CONNECT", "TEMPORARY"]}},
            ("postgres", 'GRANT CONNECT, TEMPORARY ON DATABASE "atlas" TO "atlas_app"'),
        ),
        (
            {"contents__atlas__runtime__tables": ["public.old"]},
            ("atlas", 'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.old TO "atlas_app"'),
        ),
    ],
)
def test_only_what_the_runtime_role_lacks_is_changed(changes: dict[str, Any], expected: Any) -> None:
    assert shown_served(served(**changes)) == (expected if isinstance(expected, list) else [expected])


def test_what_the_runtime_role_can_not_use_is_told() -> None:
    found = served(contents__atlas__runtime__foreign=["public.old of postgres"])
    (told,) = objects.warnings([SERVED], found)
    assert "In the database atlas, atlas may use what atlas_app" in told
    assert "public.old of postgres" in told
    assert shown_served(found) == []


def test_a_runtime_role_has_a_safe_name_and_is_not_the_owner() -> None:
    assert objects.problems([ROLE, RUNTIME], [SERVED]) == []
    assert objects.problems([], [SERVED | {"runtime_role": "atlas'"}])
    (problem,) = objects.problems([], [SERVED | {"runtime_role": "atlas"}])
    assert "another role than its owner" in problem


LOGIN = {"name": "atlas_app-2", "password": PASSWORD, "acts_as": "atlas_app", "statement_timeout": 30}
OWNER_LOGIN = {"name": "atlas-2", "password": PASSWORD, "acts_as": "atlas"}
MODEL = {"name": "atlas_app", "statement_timeout": 30}
ACTING = [ROLE, MODEL, LOGIN]


def rotated(**changes: Any) -> dict[str, Any]:
    """A server on which ACTING and SERVED are as declared, except for `changes` by dotted path."""
    given = {"role": "atlas_app", "grantor": "postgres"}
    settings = {"statement_timeout": "30s", "work_mem": "4MB", "search_path": "public", "role": "atlas_app"}
    login = {"powers": [], "memberships": [given], "members": ["atlas"], "settings": settings, "settings_in": {}}
    found = served(
        **{
            "roles__atlas_app__settings_in": {},
            "roles__atlas_app__login": False,
            "roles__atlas_app-2": {"login": True, "verifier": VERIFIER, **login},
        }
    )
    return changed(found, changes)


def shown_rotated(found: dict[str, Any]) -> list[str]:
    return [step.shown for step in objects.plan(ACTING, [SERVED], found)]


def test_a_second_login_that_is_as_its_role_changes_nothing_nor_does_a_role_without_a_password() -> None:
    assert shown_rotated(rotated()) == []
    assert shown_rotated(rotated(roles__atlas_app__login=True)) == []


def test_a_new_second_login_has_its_settings_before_it_is_let_in() -> None:
    everything = [step.shown for step in objects.plan([*ACTING, OWNER_LOGIN], [SERVED], EMPTY)]
    assert 'CREATE ROLE "atlas_app"' in everything
    assert "CREATE ROLE \"atlas_app-2\" LOGIN PASSWORD '********'" in everything
    assert "ALTER ROLE \"atlas_app-2\" SET statement_timeout = '30s'" in everything
    assert everything[-6:] == [
        "ALTER ROLE \"atlas_app-2\" SET \"search_path\" = 'atlas', 'public'",
        'ALTER ROLE "atlas_app-2" SET "role" = \'atlas_app\'',
        'GRANT "atlas_app-2" TO "atlas"',
        'GRANT "atlas_app" TO "atlas_app-2"',
        'ALTER ROLE "atlas-2" SET "role" = \'atlas\'',
        'GRANT "atlas" TO "atlas-2"',
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"login": False}, ['ALTER ROLE "atlas_app-2" LOGIN']),
        ({"memberships": []}, ['GRANT "atlas_app" TO "atlas_app-2"']),
        (
            {"memberships": [{"role": "atlas_app", "grantor": "a"}, {"role": "other", "grantor": "b"}]},
            ['REVOKE "other" FROM "atlas_app-2" GRANTED BY "b" CASCADE'],
        ),
        ({"powers": ["BYPASSRLS"]}, ['ALTER ROLE "atlas_app-2" NOBYPASSRLS']),
        ({"members": []}, ['GRANT "atlas_app-2" TO "atlas"']),
        (
            {"settings": {"statement_timeout": "30s", "work_mem": "1MB", "search_path": "public", "jit": "off"}},
            [
                'ALTER ROLE "atlas_app-2" SET "work_mem" = \'********\'',
                'ALTER ROLE "atlas_app-2" SET "role" = \'atlas_app\'',
                'ALTER ROLE "atlas_app-2" RESET "jit"',
            ],
        ),
        (
            {"settings_in": {"atlas": {"jit": "off"}}},
            ['ALTER ROLE "atlas_app-2" IN DATABASE "atlas" RESET "jit"'],
        ),
    ],
)
def test_only_what_a_second_login_lacks_is_changed(changes: dict[str, Any], expected: list[str]) -> None:
    found = rotated(**{f"roles__atlas_app-2__{key}": value for key, value in changes.items()})
    assert shown_rotated(found) == expected


def test_a_setting_of_the_role_for_one_database_is_the_second_logins_too() -> None:
    found = rotated(roles__atlas_app__settings_in={"atlas": {"search_path": "x, public"}})
    assert shown_rotated(found) == [
        'ALTER ROLE "atlas_app-2" IN DATABASE "atlas" SET "search_path" = \'x\', \'public\''
    ]


def test_only_databases_with_a_runtime_role_are_asked_about_it() -> None:
    assert "pg_default_acl" not in objects.state_script([ROLE], [DATABASE])
    assert objects.state_script([ROLE], [SERVED]).count("'atlas_app'") == 1


def test_password_reaches_neither_sql_nor_what_is_shown() -> None:
    (step,) = objects.plan([ROLE], [], EMPTY)
    assert PASSWORD not in step.sql + step.shown
    verifier = step.sql.split("'")[1]
    assert objects.password_matches(PASSWORD, verifier)
    assert verifier not in step.shown


def test_each_verifier_has_its_own_salt() -> None:
    (first,), (second,) = objects.plan([ROLE], [], EMPTY), objects.plan([ROLE], [], EMPTY)
    assert first.sql != second.sql


@pytest.mark.parametrize(
    "name", ["", "Atlas", "1atlas", "at las", "atlas'", 'atlas"', "dbname=x", "a" * 64, "atlas\n", "é"]
)
def test_unsafe_names_are_refused(name: str) -> None:
    assert objects.problems([{"name": name, "password": "x"}], [])
    assert objects.problems([], [{**DATABASE, "name": name}])
    assert objects.problems([], [{**DATABASE, "owner": name}])
    assert objects.problems([], [{**DATABASE, "extensions": [name]}])


@pytest.mark.parametrize("password", ["", "naïve", "two\nlines", "nul\0"])
def test_unusable_passwords_are_refused_without_being_shown(password: str) -> None:
    (problem,) = objects.problems([{"name": "atlas", "password": password}], [])
    assert "'atlas'" in problem
    assert not password or password not in problem


def test_safe_declarations_are_accepted() -> None:
    extension = {**DATABASE, "extensions": ["uuid-ossp", "pg_trgm"]}
    assert objects.problems([{"name": "atlas", "password": 'it\'s "quoted" \\ $1'}], [extension]) == []


def test_state_is_parsed_from_one_object_a_line() -> None:
    printed = '{"roles": {}, "databases": {"atlas": {}}}\n{"name": "atlas", "extensions": []}\n'
    assert objects.parse_state(printed) == {
        "roles": {},
        "databases": {"atlas": {}},
        "contents": {"atlas": {"name": "atlas", "extensions": []}},
    }


def test_each_statement_runs_in_its_database() -> None:
    steps = objects.plan([ROLE], [DATABASE, {"name": "other", "owner": "atlas", "extensions": []}], EMPTY)
    lines = objects.change_script(steps).splitlines()
    connects = [line for line in lines if line.startswith("\\")]
    assert connects == ["\\connect atlas", "\\connect postgres", "\\connect other"]
    assert lines.index("\\connect atlas") < lines.index('CREATE EXTENSION "postgis" CASCADE;')
    assert all(line.endswith(";") for line in lines if not line.startswith("\\"))
