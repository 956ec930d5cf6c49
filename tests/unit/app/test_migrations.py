"""Listings of migrations are read as they are printed, and what is recorded of them is compared before a rollback."""

import pytest
from ansible.module_utils.roost_app.catalogue import catalogue
from ansible.module_utils.roost_app.database import environment_of
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.migrations import Migrations, in_words, parse, told_after, told_before
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.schema import begin, record, unknown_to, unknown_to_release

DJANGO = """\
[INFO] starting [X]
[X]  contenttypes.0001_initial
[X]  places.0001_initial
[ ]  places.0002_name (places.0001_initial)
"""
ALEMBIC_HISTORY = """\
0004, 0005 -> 0006 (head) (mergepoint), Both ways
0003 (0002) -> 0005, After another, and it -> depends
0003 -> 0004 (mail), One way
0002 -> 0003 (branchpoint), Ways part
<base> -> 0002, The first
"""


@pytest.mark.parametrize(
    ("listing", "applied", "pending"),
    [
        (DJANGO, ["contenttypes.0001_initial", "places.0001_initial"], ["places.0002_name"]),
        ("(no migrations)\n", [], []),
        (ALEMBIC_HISTORY, [], ["0002", "0003", "0004", "0005", "0006"]),
        ('{"message": "hello"}\n0004 (mail)\n' + ALEMBIC_HISTORY, ["0002", "0003", "0004"], ["0005", "0006"]),
        ("0005\n" + ALEMBIC_HISTORY, ["0002", "0003", "0005"], ["0004", "0006"]),
        (
            "0006 (head) (mergepoint)\n" + ALEMBIC_HISTORY,
            ["0002", "0003", "0004", "0005", "0006"],
            [],
        ),
    ],
)
def test_a_listing_tells_what_is_applied_and_what_waits(listing: str, applied: list[str], pending: list[str]) -> None:
    assert parse(listing) == Migrations(applied, pending)


def test_a_release_before_a_migration_does_not_know_it(paths: AppPaths) -> None:
    assert unknown_to_release(paths, "one") == []
    record(paths, "one", Migrations(["a.1"]))
    record(paths, "two", Migrations(["a.1", "a.2"]))
    assert unknown_to_release(paths, "one") == ["a.2"]
    assert unknown_to_release(paths, "two") == []
    assert unknown_to(paths, ["a.2"]) == ["a.1"]
    found = {item["id"]: item["unknown_migrations"] for item in catalogue(paths)["releases"]}
    assert found == {"one": ["a.2"], "two": []}


def test_migrations_of_a_killed_deploy_count_until_the_next_one(paths: AppPaths) -> None:
    record(paths, "one", Migrations(["a.1"]))
    begin(paths, Migrations(["a.1"], ["a.2"]))
    assert unknown_to_release(paths, "one") == ["a.2"]
    record(paths, "one", Migrations(["a.1"]))
    assert unknown_to_release(paths, "one") == []


def test_a_release_without_a_record_is_taken_as_it_is(paths: AppPaths) -> None:
    record(paths, "two", Migrations(["a.1", "a.2"]))
    assert unknown_to_release(paths, "one") == []
    assert paths.schema.stat().st_mode & 0o777 == 0o640


def test_people_are_told_in_lines() -> None:
    assert told_before("atlas", []) == ["atlas: no migration is pending."]
    assert told_before("atlas", ["a.1", "a.2"]) == ["atlas: 2 migrations would be applied:", "  a.1", "  a.2"]
    assert told_after("atlas", []) == []
    assert told_after("atlas", ["a.1"]) == ["atlas: 1 migration applied:", "  a.1"]
    many = [f"a.{number}" for number in range(40)]
    assert told_after("atlas", many)[-2:] == ["  a.19", "  and 20 more"]
    assert in_words(many, most=2) == "a.0, a.1 and 38 more"


def test_a_url_becomes_variables() -> None:
    assert environment_of("postgresql://atlas:p%40ss@10.0.0.5:5433/atlas?sslmode=require&pool=3") == {
        "PGHOST": "10.0.0.5",
        "PGPORT": "5433",
        "PGUSER": "atlas",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "atlas",
        "PGSSLMODE": "require",
    }
    assert environment_of("postgresql:///atlas") == {"PGDATABASE": "atlas"}
    with pytest.raises(ReleaseError):
        environment_of("sqlite:///atlas.db")
