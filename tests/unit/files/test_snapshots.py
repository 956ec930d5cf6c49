"""What `restic` prints."""

import json

import pytest
from ansible.module_utils.roost_files.snapshots import Made, choose, parse, parse_summary, unread

from tests.unit.files.conftest import SUMMARY

ENTRY = {
    "time": "2026-11-26T19:24:14.174210502Z",
    "paths": ["/srv/atlas/media"],
    "hostname": "vm1",
    "tags": ["atlas"],
    "short_id": "e8afe109",
}
LATER = ENTRY | {"time": "2026-11-26T21:24:15.166140499+01:00", "short_id": "d447a075"}
OTHER = ENTRY | {"time": "2026-11-26T23:00:00Z", "tags": None, "short_id": "00000000"}
FOUND = parse(json.dumps([OTHER, LATER, ENTRY]))


def test_snapshots_are_in_the_order_of_their_time() -> None:
    assert [(one.label, one.name) for one in FOUND] == [("e8afe109", "atlas"), ("d447a075", "atlas"), ("00000000", "")]
    assert FOUND[1].taken - FOUND[0].taken == 3601
    assert parse("null") == parse("[]") == ()


@pytest.mark.parametrize(
    ("name", "label", "until", "chosen"),
    [
        ("atlas", "", None, "d447a075"),
        ("atlas", "e8afe109", None, "e8afe109"),
        ("atlas", "", FOUND[0].taken, "e8afe109"),
        ("atlas", "", FOUND[0].taken - 1, None),
        ("atlas", "00000000", None, None),
        ("flock", "", None, None),
    ],
)
def test_the_newest_fitting_one_is_chosen(name: str, label: str, until: float | None, chosen: str | None) -> None:
    found = choose(FOUND, name, label, until)
    assert (found and found.label) == chosen


def test_a_summary_is_found_among_other_lines() -> None:
    printed = f'/etc/nothing does not exist, skipping\n{{"message_type": "status"}}\n{json.dumps(SUMMARY)}\n'
    assert parse_summary(printed) == Made("e8afe109", 3, 3000100, 3002916)
    with pytest.raises(ValueError, match="no summary"):
        parse_summary('{"message_type": "status"}\n')


def test_files_that_could_not_be_read_are_named() -> None:
    printed = '{"message_type":"error","error":{"Op":"open"},"during":"archival","item":"/srv/a"}\nFatal: more\n'
    assert unread(printed) == ["/srv/a"]
