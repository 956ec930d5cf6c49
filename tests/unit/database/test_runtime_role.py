"""What is granted to a runtime role, and what is left alone; PostgreSQL's part of it is tried by molecule."""

from typing import Any

import pytest
from ansible.module_utils.roost_database import runtime_role

DONE: dict[str, Any] = runtime_role.NEW_DATABASE | {
    "schemas": {"public": ["USAGE"]},
    "defaults": {
        "r": ["INSERT", "SELECT", "UPDATE", "DELETE"],
        "S": ["SELECT", "UPDATE", "USAGE"],
        "f": ["EXECUTE"],
        "n": ["USAGE"],
    },
}


def granted(**changes: Any) -> list[str]:
    return runtime_role.grant_rights("atlas", "atlas_app", DONE | changes)


def test_what_has_its_rights_is_left_alone() -> None:
    assert granted() == []
    assert granted(schemas={"public": ["USAGE"], "geo": ["USAGE"]}) == []


def test_a_new_database_gives_rights_on_what_will_be_made() -> None:
    made = "ALTER DEFAULT PRIVILEGES FOR ROLE"
    assert runtime_role.grant_rights("atlas", "atlas_app", runtime_role.NEW_DATABASE) == [
        'GRANT USAGE ON SCHEMA "public" TO "atlas_app"',
        f'{made} "atlas" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "atlas_app"',
        f'{made} "atlas" GRANT SELECT, USAGE, UPDATE ON SEQUENCES TO "atlas_app"',
        f'{made} "atlas" GRANT EXECUTE ON FUNCTIONS TO "atlas_app"',
        f'{made} "atlas" GRANT USAGE ON SCHEMAS TO "atlas_app"',
    ]


@pytest.mark.parametrize(
    ("changes", "statement"),
    [
        ({"schemas": {"geo": []}}, 'GRANT USAGE ON SCHEMA "geo" TO "atlas_app"'),
        ({"schemas": {"geo": ["USAGE", "CREATE"]}}, 'REVOKE CREATE ON SCHEMA "geo" FROM "atlas_app"'),
        (
            {"tables": ["public.a", '"Odd"."b c"']},
            'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.a, "Odd"."b c" TO "atlas_app"',
        ),
        ({"sequences": ["public.s"]}, 'GRANT SELECT, USAGE, UPDATE ON SEQUENCE public.s TO "atlas_app"'),
        ({"functions": ["public.f(integer)"]}, 'GRANT EXECUTE ON ROUTINE public.f(integer) TO "atlas_app"'),
        (
            {"defaults": DONE["defaults"] | {"r": ["SELECT", "INSERT"]}},
            'ALTER DEFAULT PRIVILEGES FOR ROLE "atlas" GRANT UPDATE, DELETE ON TABLES TO "atlas_app"',
        ),
    ],
)
def test_only_what_is_missing_is_granted(changes: dict[str, Any], statement: str) -> None:
    assert granted(**changes) == [statement]


@pytest.mark.parametrize(
    ("held", "statements"),
    [
        (["CONNECT", "TEMPORARY"], []),
        (["CONNECT"], ['GRANT TEMPORARY ON DATABASE "atlas" TO "atlas_app"']),
        (["CONNECT", "TEMPORARY", "CREATE"], ['REVOKE CREATE ON DATABASE "atlas" FROM "atlas_app"']),
        ([], ['GRANT CONNECT, TEMPORARY ON DATABASE "atlas" TO "atlas_app"']),
    ],
)
def test_the_role_enters_its_database_and_makes_no_schema_there(held: list[str], statements: list[str]) -> None:
    assert runtime_role.open_database("atlas", "atlas_app", held) == statements


def test_a_role_that_was_there_before_loses_what_is_too_much() -> None:
    assert runtime_role.limit_role("atlas_app", [], []) == []
    memberships = [{"role": "atlas", "grantor": "postgres"}]
    assert runtime_role.limit_role("atlas_app", ["SUPERUSER", "BYPASSRLS"], memberships) == [
        'ALTER ROLE "atlas_app" NOSUPERUSER NOBYPASSRLS',
        'REVOKE "atlas" FROM "atlas_app" GRANTED BY "postgres" CASCADE',
    ]


DEFAULT_PATH = '"$user", public'


@pytest.mark.parametrize(
    ("owners", "runtimes", "path", "settings"),
    [
        ({}, {}, DEFAULT_PATH, {"search_path": "'atlas', 'public'"}),
        ({}, {}, "geo, public", {}),
        ({}, {"search_path": "public"}, DEFAULT_PATH, {}),
        ({"search_path": '"$user", "Geo ""x""", public'}, {}, "x", {"search_path": "'atlas', 'Geo \"x\"', 'public'"}),
        ({"search_path": '""'}, {}, "x", {"search_path": "''"}),
        ({"app.key": "it's"}, {}, "public", {"app.key": "'it''s'"}),
        ({"work_mem": "8MB"}, {"work_mem": "16MB"}, "public", {}),
    ],
)
def test_the_owners_settings_hold_for_the_role_unless_it_has_its_own(
    owners: dict[str, str], runtimes: dict[str, str], path: str, settings: dict[str, str]
) -> None:
    assert runtime_role.inherited_settings("atlas", owners, runtimes, path) == settings


def test_what_others_own_is_told_in_one_sentence() -> None:
    assert runtime_role.left_out("atlas", "atlas", "atlas_app", []) == ""
    told = runtime_role.left_out("atlas", "atlas", "atlas_app", [f"public.t{n} of postgres" for n in range(7)])
    assert "public.t4 of postgres and 2 more." in told
    assert "public.t5" not in told
