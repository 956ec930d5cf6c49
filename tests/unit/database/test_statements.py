"""Statements are shown on one short line, and without anything secret."""

import pytest
from ansible.module_utils.roost_database.statements import LONGEST, shown
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("SELECT *\n  FROM entry\tWHERE id = $1", "SELECT * FROM entry WHERE id = $1"),
        ("ALTER ROLE atlas PASSWORD 'hunter2'", "ALTER ROLE atlas PASSWORD '?'"),
        ("SELECT 'it''s', 'x'", "SELECT '?', '?'"),
        (r"SELECT E'it\'s hunter2', 'x'", "SELECT '?', '?'"),
        (r"SELECT name'x\', $1", "SELECT name'?', $1"),
        ("DO $$ hunter2 $$", "DO '?'"),
        ("SELECT $$ hunter2 $$$$'$$, 'hunter2', a$$b", "SELECT '?''?', '?', a$$b"),
        ("DO $body$ $$ hunter2 $$ $body$ LANGUAGE sql", "DO '?' LANGUAGE sql"),
        ("SELECT $1, $2 FROM t WHERE n = $10", "SELECT $1, $2 FROM t WHERE n = $10"),
        ('SELECT "it\'s", "a""b" FROM t', 'SELECT "it\'s", "a""b" FROM t'),
        ("SELECT 1 -- don't\n, 'hunter2'", "SELECT 1 , '?'"),
        ("SELECT /* don't */ 'hunter2'", "SELECT '?'"),
        ("ALTER ROLE atlas PASSWORD 'hunter2 and so", "ALTER ROLE atlas PASSWORD '?'"),
        ("DO $$ hunter2", "DO '?'"),
        ("SELECT 1 /* hunter2", "SELECT 1"),
    ],
)
def test_literals_and_comments_are_left_out(query: str, text: str) -> None:
    assert shown(query) == text


def test_a_long_statement_is_cut() -> None:
    text = shown(f"SELECT {', '.join(['column'] * 50)}")
    assert len(text) == LONGEST
    assert text.endswith("...")


@given(
    st.lists(st.sampled_from(["'a'", "''", "E'\\''", "$$'$$", '"\'"', "-- '\n", "/* ' */", "$1", " ", "x"])).map(
        " ".join
    ),
    st.integers(0, 10),
)
@settings(deadline=None)
def test_no_literal_gets_through_wherever_it_stands_and_the_text_ends(before: str, cut: int) -> None:
    query = f"{before} PASSWORD '{SECRET}' VALID"
    assert SECRET not in shown(query)
    assert SECRET not in shown(query[: len(query) - cut])
