"""The history: robust lines, and what they say of the releases."""

from pathlib import Path

import pytest
from ansible.module_utils.roost_app.history import Entry, append, read
from ansible.module_utils.roost_app.standing import earlier, failed, good, line


def entries(story: str) -> list[Entry]:
    """Read a story such as "A B C! <B": A, B deployed, C failed, rolled back to B."""
    return [
        Entry(
            release=word.strip("<!"),
            kind="rollback" if word.startswith("<") else "deploy",
            outcome="failed" if word.endswith("!") else "live",
            who="anna",
            when=f"2026-01-01T00:00:{number:02}Z",
        )
        for number, word in enumerate(story.split())
    ]


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    assert read(history) == []
    told = entries("A B!")
    for entry in told:
        append(history, entry)
    assert read(history) == told
    assert history.stat().st_mode & 0o777 == 0o640


def test_a_torn_last_line_is_ignored_and_spoils_nothing(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    first, second = entries("A B")
    append(history, first)
    with history.open("a") as file:
        file.write('{"release": "torn", "kind": "dep')
    assert read(history) == [first]
    append(history, second)
    assert read(history) == [first, second]


def test_keys_of_a_later_version_are_left_out_and_other_lines_too(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text(
        '{"release": "A", "kind": "deploy", "outcome": "live", "who": "a", "when": "w", "weather": "fine"}\n'
        '[1]\nnull\n7\n{"release": "B"}\n\n'
    )
    assert [entry.release for entry in read(history)] == ["A"]


def test_the_last_entry_of_a_release_counts() -> None:
    story = entries("A B! C B C!")
    assert failed(story) == {"C"}
    assert good(story) == {"A", "B"}


def test_an_attempt_without_an_id_says_nothing_of_releases() -> None:
    story = [Entry("", "deploy", "failed", "anna", "2026-01-01T00:00:00Z"), *entries("A")]
    assert (failed(story), good(story), line(story)) == (set(), {"A"}, ["A"])


@pytest.mark.parametrize(
    ("story", "live", "leads_to"),
    [
        ("", "A", []),
        ("A", "A", []),
        ("A B C", "C", ["B", "A"]),
        ("A B C <B", "B", ["A"]),
        ("A B C <B <A", "A", []),
        ("A B C <A", "A", []),
        ("A B C <B D", "D", ["B", "A"]),
        ("A B C <B C", "C", ["B", "A"]),
        ("A B C <B <C", "C", ["B", "A"]),
        ("A B C A", "A", ["C", "B"]),
        ("A B! C", "C", ["A"]),
        ("A B C B!", "C", ["A"]),
        ("A B C <B!", "C", ["A"]),
        ("A B", "C", ["B", "A"]),
        ("A B C", "B", ["A"]),
    ],
)
def test_a_rollback_leads_back_along_the_good_releases(story: str, live: str, leads_to: list[str]) -> None:
    assert earlier(entries(story), live) == leads_to
