"""config_tree on the controller: what a task may declare, and which template becomes which file."""

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.config_tree.tree import decode_payload

from roost.config_tree.declaration import parse_declaration
from roost.config_tree.errors import InvalidTree
from roost.config_tree.expand import list_sources, plan_files
from roost.config_tree.payload import encode_payload
from tests.unit.config_tree.host import GROUP, USER

SITES = [{"name": "atlas", "port": 1}, {"name": "b.example.com", "port": 2}]


def template(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"content of {path}")


def planned(folder: Path, *files: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the planned files by path."""
    declaration = parse_declaration({"name": "demo", "files": list(files), **options})
    return {file.path: file for file in plan_files(declaration, folder, list_sources(folder))}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "name is missing"),
        ({"name": "../x"}, "name: must be lower-case letters"),
        ({"name": "x", "valdiate": "true"}, 'valdiate is not an option. Did you mean "validate"?'),
        ({"name": "x", "dest": "relative"}, "dest: must be an absolute path"),
        ({"name": "x", "files": {"path": "a"}}, "files: must be a list"),
        ({"name": "x", "files": ["a"]}, r"files\[0\] must be a mapping"),
        ({"name": "x", "files": [{"path": "a", "mdoe": "0644"}]}, r"files\[0\].mdoe is not an option"),
        ({"name": "x", "files": [{"path": "a", "mode": 420}]}, r"files\[0\].mode: must be octal digits in quotes"),
        ({"name": "x", "files": [{"path": "a", "mode": "u=rw"}]}, r"files\[0\].mode: must be octal digits"),
        ({"name": "x", "files": [{"path": "a", "owner": "a b"}]}, r"files\[0\].owner: must be the name of a user"),
        ({"name": "x", "files": [{"path": "a", "secret": "maybe"}]}, r"files\[0\].secret: must be true or false"),
        ({"name": "x", "files": [{"path": "a", "notify": "Reload nginx"}]}, r"files\[0\].notify: must be lower-case"),
        ({"name": "x", "files": [{"path": "a", "each": ["b"]}]}, r"files\[0\].each: must be a list of mappings"),
        ({"name": "x", "directories": [{"path": "/srv/../etc"}]}, r"directories\[0\].path: .* is not a clean path"),
        ({"name": "x", "directories": [{"path": "/"}]}, r"directories\[0\].path: .* is not a clean path"),
        ({"name": "x", "links": [{"path": "/etc/l"}]}, r"links\[0\].target is missing"),
        ({"name": "x", "copies": [{"src": "tool.py", "path": "a"}]}, r"copies\[0\].src: must be an absolute path"),
        ({"name": "x", "units": [{"name": "nginx"}]}, r"units\[0\].name: must be the name of a systemd unit"),
        ({"name": "x", "units": [{"name": "--now.service"}]}, r"units\[0\].name: must be the name of a systemd unit"),
        ({"name": "x", "absent": "/etc/a"}, "absent: must be a list"),
        ({"name": "x", "confirm_within": "a minute"}, "confirm_within: must be a whole number of seconds"),
        ({"name": "x", "confirm_within": 60}, "confirm_within and revert_command go together"),
        ({"name": "x", "validate": 'nginx "'}, "validate: No closing quotation"),
    ],
)
def test_a_wrong_option_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTree, match=message):
        parse_declaration(arguments)


def test_commands_are_words_and_never_a_shell() -> None:
    declaration = parse_declaration({"name": "x", "validate": "sshd -t -f '/etc/a b'; reboot"})
    assert declaration.validate == ("sshd", "-t", "-f", "/etc/a b;", "reboot")


def test_a_folder_mirrors_the_target(folder: Path) -> None:
    template(folder, "etc/a.conf.j2", "etc/run.sh", "_macros.j2", "etc/_part.j2", "_parts/b.j2")
    (folder / "etc/run.sh").chmod(0o755)
    files = planned(folder)
    assert {path: file.mode for path, file in files.items()} == {"etc/a.conf": 0o644, "etc/run.sh": 0o755}
    assert files["etc/a.conf"].is_template
    assert not files["etc/run.sh"].is_template


def test_the_first_entry_that_matches_counts(folder: Path) -> None:
    template(folder, "etc/a.j2", "etc/b.j2", "srv/c.j2")
    files = planned(folder, {"path": "/etc/a", "mode": "0600"}, {"path": "etc/*", "secret": True, "notify": "restart"})
    assert [files[path].mode for path in ("etc/a", "etc/b", "srv/c")] == [0o600, 0o640, 0o644]
    assert [files[path].topic for path in ("etc/a", "etc/b", "srv/c")] == ["reload", "restart", "reload"]


def test_an_entry_that_matches_nothing_is_an_error(folder: Path) -> None:
    template(folder, "etc/a.j2")
    with pytest.raises(InvalidTree, match=r"files\[0\].path: no template matches 'etc/b'"):
        planned(folder, {"path": "etc/b", "secret": True})


def test_a_disabled_file_is_not_declared(folder: Path) -> None:
    template(folder, "etc/a.j2", "etc/b.j2")
    assert list(planned(folder, {"path": "etc/a", "enabled": "False"})) == ["etc/b"]


def test_one_file_for_each_item(folder: Path) -> None:
    template(folder, "etc/@name@/@name@@.service.j2")
    files = planned(folder, {"path": "etc/@name@/@name@@.service", "each": SITES})
    assert {path: file.item for path, file in files.items()} == {
        "etc/atlas/atlas@.service": SITES[0],
        "etc/b.example.com/b.example.com@.service": SITES[1],
    }
    assert planned(folder, {"path": "etc/@name@/*", "each": []}) == {}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "etc/@name@.conf needs an entry of files with `each`, for @name@"),
        ([{"path": "etc/@name@.conf", "each": [{"port": 1}]}], "an item of `each` has no 'name'"),
        ([{"path": "etc/@name@.conf", "each": [{"name": "../x"}]}], "not safe in a file name"),
        ([{"path": "etc/@name@.conf", "each": [{"name": ""}]}], "not safe in a file name"),
        ([{"path": "etc/@name@.conf", "each": [{"name": "a\nb"}]}], "not safe in a file name"),
        ([{"path": "etc/@name@.conf", "each": [SITES[0], SITES[0]]}], "/etc/atlas.conf is declared twice"),
    ],
)
def test_a_wrong_each_is_named(folder: Path, files: list[dict[str, Any]], message: str) -> None:
    template(folder, "etc/@name@.conf.j2")
    with pytest.raises(InvalidTree, match=message):
        planned(folder, *files)


def test_an_item_names_its_owner(folder: Path) -> None:
    template(folder, "etc/@name@.env.j2", "etc/other.j2")
    files = planned(folder, {"path": "etc/@name@.env", "each": SITES, "group": "@name@"})
    assert files["etc/atlas.env"].group == "atlas"
    assert files["etc/atlas.env"].owner == "root"
    with pytest.raises(InvalidTree, match="/etc/other: a @key@ as owner or group needs an entry with `each`"):
        planned(folder, {"path": "etc/@name@.env", "enabled": False}, {"path": "etc/other", "owner": "@name@"})


def test_an_item_can_not_climb(folder: Path) -> None:
    template(folder, "etc/@name@/x.j2")
    with pytest.raises(InvalidTree, match=r"makes it 'etc/\.\./x'"):
        planned(folder, {"path": "etc/@name@/x", "each": [{"name": ".."}]})


def test_each_needs_a_key_in_the_name(folder: Path) -> None:
    template(folder, "etc/a.j2")
    with pytest.raises(InvalidTree, match="needs a @key@ in its name"):
        planned(folder, {"path": "etc/a", "each": SITES})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"links": [{"path": "/etc/a", "target": "x"}]}, "/etc/a is declared twice"),
        ({"absent": ["/etc/a"]}, "/etc/a is declared twice"),
        ({"directories": [{"path": "/etc/a"}]}, "/etc/a is declared twice"),
        ({"directories": [{"path": "/srv"}, {"path": "srv/"}]}, "/srv is declared twice"),
        ({"links": [{"path": "/etc/a/b", "target": "x"}]}, "/etc/a is declared, and as a directory too, for /etc/a/b"),
    ],
)
def test_contradictions_are_named(folder: Path, options: dict[str, Any], message: str) -> None:
    template(folder, "etc/a.j2")
    with pytest.raises(InvalidTree, match=message):
        planned(folder, **options)


def test_the_payload_arrives_as_it_was_declared(folder: Path) -> None:
    template(folder, "etc/a")
    declaration = parse_declaration(
        {
            "name": "demo",
            "files": [{"path": "etc/a", "owner": USER, "group": GROUP, "mode": "0600", "secret": True}],
            "directories": [{"path": "/srv", "owner": USER, "group": GROUP, "mode": "0750"}],
            "links": [{"path": "/etc/l", "target": "a"}],
            "absent": ["/etc/x"],
        }
    )
    (file,) = plan_files(declaration, folder, list_sources(folder))
    content = bytes(range(256))
    tree = decode_payload(encode_payload(declaration, [(file, content)]), "/root", check_mode=False)
    written, link, absent = tree.leaves
    assert (written.path, written.content, written.secret) == ("/root/etc/a", content, True)
    assert (written.node.kind, written.node.mode) == ("file", 0o600)
    assert (link.path, link.node.kind, link.node.target) == ("/root/etc/l", "link", "a")
    assert (absent.path, absent.node.kind) == ("/root/etc/x", "absent")
    assert [(wanted.path, wanted.node.mode) for wanted in tree.directories] == [("/root/srv", 0o750)]


def test_files_and_folders_are_copied_as_they_are(tmp_path: Path) -> None:
    template(tmp_path / "elsewhere", "tool/main.py.j2", "tool/inner/__init__.py", "tool/main.pyc", "single.yml")
    copies = [
        {"src": str(tmp_path / "elsewhere/tool"), "path": "opt/tool"},
        {"src": f"{tmp_path}/elsewhere/../elsewhere/single.yml", "path": "opt/one.yml"},
    ]
    files = planned(tmp_path / "templates", {"path": "opt/one.yml", "mode": "0600"}, copies=copies)
    assert sorted(files) == ["opt/one.yml", "opt/tool/inner/__init__.py", "opt/tool/main.py.j2"]
    assert files["opt/one.yml"].mode == 0o600
    assert not any(file.is_template for file in files.values())


def test_a_copy_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTree, match="copies: there is no"):
        planned(tmp_path, copies=[{"src": str(tmp_path / "absent"), "path": "opt/absent"}])
