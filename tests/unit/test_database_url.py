"""The URL of a server's administrator: what it may be, and the URLs that are made of it."""

import pytest
from ansible.module_utils.roost_backup.url import connection
from hypothesis import given
from hypothesis import strategies as st

from roost.database_url import admin_url_conflict, admin_url_problem, server_of

ADMIN = "postgresql://admin:p%40ss@db.example.com:25060/defaultdb"


def test_a_role_reaches_its_database_as_the_administrator_reaches_the_server() -> None:
    server = server_of(f"{ADMIN}?sslmode=verify-full&sslrootcert=/etc/ssl/certs/own.pem")
    assert server.url("atlas_app", "a/b", "atlas") == (
        "postgresql://atlas_app:a%2Fb@db.example.com:25060/atlas?sslmode=verify-full&sslrootcert=/etc/ssl/certs/own.pem"
    )
    assert server.admin_url("atlas").startswith("postgresql://admin:p%40ss@db.example.com:25060/atlas?")


def test_tls_is_required_unless_the_url_says_otherwise() -> None:
    assert server_of(ADMIN).admin_url() == f"{ADMIN}?sslmode=require"
    assert server_of(f"{ADMIN}?sslmode=disable").admin_url() == f"{ADMIN}?sslmode=disable"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_every_password_arrives(password: str) -> None:
    url = server_of(ADMIN).url("atlas", password, "atlas")
    assert connection(url) == {
        "PGHOST": "db.example.com",
        "PGPORT": "25060",
        "PGUSER": "atlas",
        "PGPASSWORD": password,
        "PGDATABASE": "atlas",
        "PGSSLMODE": "require",
    }


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://admin:secret@db/defaultdb", "must look like"),
        ("postgresql://admin:secret@db", "must look like"),
        ("postgresql://admin:secret@db/defaultdb\n", "must look like"),
        ("postgresql://admin:secret word@db/defaultdb", "must look like"),
        ("postgresql://admin@db/defaultdb", "must have the administrator's password"),
        ("postgresql://admin:@db/defaultdb", "must have the administrator's password"),
        ("postgresql://admin:secret@db/defaultdb?pool=3", "the parameter pool"),
        ("postgresql://admin:secret@db/defaultdb?sslmode=on", "sslmode"),
    ],
)
def test_what_can_be_no_administrator_is_refused_without_being_shown(url: str, told: str) -> None:
    problem = admin_url_problem(url)
    assert told in problem
    assert "secret" not in problem.replace("a secret", "")


def test_an_administrator_is_no_role_of_the_application_and_has_a_database_before() -> None:
    assert admin_url_problem(ADMIN) == admin_url_conflict(ADMIN, "atlas", ["atlas", None]) == ""
    assert "there before" in admin_url_conflict(ADMIN, "defaultdb", ["defaultdb"])
    assert "can't be a role" in admin_url_conflict(ADMIN, "admin", ["admin", "admin_app"])
