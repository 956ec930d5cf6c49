"""Checks on the text of a YAML file (the refusals themselves are in bad_stacks)."""

from pathlib import Path

import pytest

from roost import rawyaml

VAULT_VALUE = "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3062\n"


def messages(text: str, *, strict: bool = True) -> list[str]:
    return [str(problem) for problem in rawyaml.parse(text, "x.yml", strict=strict).problems]


@pytest.mark.parametrize(
    "text",
    [
        'a: "{{ vault_redis_password }}"',
        'a: "{{ vault_apps.atlas.API_KEY }}"',
        'a: "{{vault_x}}"',
        VAULT_VALUE,
        "a: '0644'",
        'a: "no"',
        'a: "12:30"',
        "a: true",
        "a: 10",
        "a: 0",
        "a: 0.25",
        "a: v1.10",
        "a: {b: &x {c: 1}, d: {<<: *x, e: 2}}",
        "a: [1, 2]  # {{ a comment }}",
        "a: 2001:db8::1",
        "a: |\n  two\n  lines\n",
    ],
)
def test_ordinary_text_is_accepted(text: str) -> None:
    assert messages(text) == []


@pytest.mark.parametrize(
    "reference",
    [
        "{{ vault_x | quote }}",
        "{{ vault_x }} ",
        "{{ vault_x }}{{ vault_y }}",
        "{{ vault_x.__class__ }}",
        "{{ vault_x['y'] }}",
        "{{ other_x }}",
        "{{ vault_x\n}}",
    ],
)
def test_only_a_plain_reference_to_the_vault_is_a_reference(reference: str) -> None:
    (message,) = messages(f'a: "{reference}"'.replace("\n", "\\n"))
    assert "Template markers" in message


def test_a_problem_names_file_line_and_key() -> None:
    assert messages("a:\n  - b: 1\n    c: 0644\n")[0].startswith("x.yml:3: a[0].c: YAML may read 0644")


def test_the_second_of_two_equal_keys_is_named_with_the_line_of_the_first() -> None:
    assert messages("a: 1\nb: 2\na: 3\n") == ["x.yml:3: a: The key is given twice (first on line 1)."]


def test_all_problems_of_a_file_are_found_in_one_pass() -> None:
    assert len(messages("a: 0644\nb: yes\nc: '{{ x }}'\na: 1\n")) == 4


def test_files_that_are_ansibles_own_matter_may_hold_templates_but_no_duplicates() -> None:
    assert messages("a: '{{ x }}'\nb: yes\nc: !unsafe d\n", strict=False) == []
    assert len(messages("a: 1\na: 2\n", strict=False)) == 1
    assert messages("", strict=False) == []


def test_a_tag_is_never_executed_even_where_it_is_not_reported(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    raw = rawyaml.parse(f"a: !!python/object/apply:os.mkdir ['{marker}']", "x.yml", strict=False)
    assert raw.data == {"a": None}
    assert not marker.exists()


def test_a_value_encrypted_in_place_is_not_looked_into() -> None:
    raw = rawyaml.parse(VAULT_VALUE, "x.yml", strict=True)
    assert raw.data == {"a": rawyaml.ENCRYPTED}


def test_aliases_can_not_multiply_the_work() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    assert messages(f"l0: &l0 [0644]\n{levels}") == messages("l0: &l0 [0644]")


def test_lines_are_found_through_merge_keys_and_end_at_the_last_key_that_exists() -> None:
    raw = rawyaml.parse("base: &b\n  x: 1\na:\n  <<: *b\n  y: {z: 2}\n".replace("y:", "w:"), "x.yml", strict=True)
    assert raw.line(("a", "x")) == 2
    assert raw.line(("a", "w", "nowhere", 3)) == 5
    assert raw.line(()) == 1


def test_key_paths_are_written_as_people_write_them() -> None:
    assert rawyaml.key_text(("stack", "apps", 0, "domains", 1)) == "stack.apps[0].domains[1]"


def test_an_encrypted_file_is_left_alone_unless_it_must_be_readable(tmp_path: Path) -> None:
    path = tmp_path / "vault.yml"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3062\n")
    assert rawyaml.read(path, "vault.yml", strict=False).problems == []
    assert rawyaml.read(path, "vault.yml", strict=True).problems


def test_unreadable_files_are_problems(tmp_path: Path) -> None:
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.yml", "binary.yml"):
        assert len(rawyaml.read(tmp_path / name, name, strict=True).problems) == 1
