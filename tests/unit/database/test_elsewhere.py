"""Databases elsewhere: how they are reached, and what is said if they aren't; the queries are tried by molecule."""

from pathlib import Path

import pytest
from ansible.module_utils.roost_backup.elsewhere import Elsewhere
from ansible.module_utils.roost_database.elsewhere import left_out, look, reach

URL = "postgresql://atlas:secret@db.test/places?sslmode=require"
PSQL = """#!/bin/sh
echo 'psql: error: connection to server at "db.test" failed: FATAL:  password authentication failed' >&2
exit 2
"""


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "psql").write_text(PSQL)
    (tmp_path / "psql").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def test_nobody_waits_long_for_a_server_unless_its_url_says_so() -> None:
    assert Elsewhere(URL).environment["PGCONNECT_TIMEOUT"] == "5"
    assert Elsewhere(f"{URL}&connect_timeout=60").environment["PGCONNECT_TIMEOUT"] == "60"


@pytest.mark.usefixtures("unreachable")
def test_what_can_not_be_reached_is_told_in_a_sentence() -> None:
    told = 'connection to server at "db.test" failed: FATAL:  password authentication failed'
    assert reach(URL) == told
    assert look("atlas", URL) == {"name": "atlas", "problem": told}


def test_what_there_is_no_right_to_see_is_told_with_the_remedy() -> None:
    assert left_out({"role": "root", "sees_others": True, "unreadable": 0}) == []
    assert left_out({"role": "atlas", "sees_others": False, "unreadable": 1}) == [
        "what other roles do (GRANT pg_read_all_stats TO atlas)",
        "wasted space of 1 table that atlas may not read",
    ]
