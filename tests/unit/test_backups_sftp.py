"""Backups on another host: what a stack may say of it, what the roles are given, and what they write."""

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.derive import packages
from roost.errors import InvalidDeclaration
from roost.model import parse_stack
from tests.support.project import REPOSITORY
from tests.support.rendering import ONE_HOST, PRIVATE_KEY, render_host, render_role, role_inputs, role_variable

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDPq8PzFJDqq3eLgb1Ilh5bmcU0YyMkEDkG2vgBmyVdO"
ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBC"
SFTP = {"host": "backup.example.com", "user": "roost", "path": "/srv/backups", "host_keys": [ED25519, ECDSA]}
TWO_HOSTS = {"all": ["a1", "d1"], "web": ["a1"], "app": ["a1"], "database": ["d1"]}
ANOTHER_PORT = {"port": 23}


def stack_of(**more: Any) -> dict[str, Any]:
    """Return a stack whose backups go to another host, of which it says so much more."""
    app = {
        "name": "atlas",
        "framework": "flask",
        "domains": ["atlas.test"],
        "source": {"git": "https://git.example.com/atlas.git", "version": "v1"},
        "wsgi": "atlas",
        "database": True,
    }
    return {"apps": [app], "backups": {"offsite": {"sftp": SFTP | more}}}


def rendered(release: str = "debian13", groups: Any = ONE_HOST, host: str = "vm1", **more: Any) -> dict[str, Any]:
    """Return each file that the role backup writes, and what is in it."""
    trees = [tree for tree in render_host(stack_of(**more), release, groups, host) if tree.role == "backup"]
    return {file.path: (file, content.decode()) for tree in trees for file, content in tree.files}


# --- the model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"host": "192.0.2.8", "port": 65535},
        {"host": "u12345.storage.example.com", "user": "u12345-sub1", "port": 23, "path": "/home/prod"},
        {"host": "backup", "user": "Account.1_x", "path": "/"},
    ],
)
def test_hosts_of_every_kind(more: dict[str, Any]) -> None:
    backups = parse_stack(stack_of(**more)).backups
    assert backups is not None
    assert backups.offsite is not None
    assert backups.offsite.sftp is not None


@given(st.text(max_size=12), st.sampled_from(sorted(";{}$`'\"\\\n\r\0 \t|&<>()*?#%^![]=,@:~")), st.text(max_size=12))
@settings(max_examples=80, deadline=None)
def test_nothing_that_means_something_in_a_configuration_file_gets_through(before: str, bad: str, after: str) -> None:
    text = f"{before}{bad}{after}"
    for more in (
        {"host": f"backup{text}"},
        {"user": f"roost{text}"},
        {"user": f"{text}roost"},
        {"path": f"/srv{text}"},
        {"host_keys": [f"{text}{ED25519}"]},
        {"host_keys": [f"{ED25519} {text}"]},
    ):
        with pytest.raises(InvalidDeclaration):
            parse_stack(stack_of(**more))


# --- what the roles are given ---------------------------------------------------------------------------------


def test_everything_goes_there_that_would_go_to_a_bucket() -> None:
    given = role_inputs("backup_", stack_of())
    assert given["backup_sftp"] == SFTP | {"port": 22}
    assert given["backup_sftp_key"] == PRIVATE_KEY
    assert given["backup_repositories"] == [{"key": 1, "name": "local"}, {"key": 2, "name": "offsite"}]
    assert given["backup_files_repositories"] == [{"name": "local"}, {"name": "offsite"}]
    assert given["backup_project"] == str(REPOSITORY / "inventories" / "example")
    assert (given["backup_s3"], given["backup_s3_key"], given["backup_s3_secret"], given["backup_s3_ca_file"]) == (
        {},
        "",
        "",
        "",
    )


def test_ssh_is_installed_where_files_go_there() -> None:
    hostvars = {name: {"ansible_host": "192.0.2.1"} for name in TWO_HOSTS["all"]}
    asked = {host: packages.packages_names(stack_of(), TWO_HOSTS, hostvars, host) for host in TWO_HOSTS["all"]}
    assert ["openssh-client" in asked[host] for host in ("a1", "d1")] == [True, False]


@pytest.mark.parametrize(
    ("distribution", "version", "inputs", "known"),
    [
        ("Debian", "13", {}, True),
        ("Debian", "12", {}, False),
        ("Ubuntu", "24", {}, False),
        ("Debian", "12", {"backup_sftp": {}}, True),
        ("Debian", "12", {"backup_repositories": []}, True),
    ],
)
def test_databases_go_there_only_by_a_pgbackrest_that_knows_how(
    distribution: str, version: str, inputs: dict[str, Any], known: bool
) -> None:
    facts = {"distribution": distribution, "distribution_major_version": version}
    host = role_inputs("backup_", stack_of()) | inputs | {"ansible_facts": facts}
    assert role_variable("backup", "__backup_place_is_known", host) is known


# --- what they write ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "name", "unknown"),
    [
        ({}, "backup.example.com", "[backup.example.com]:23"),
        (ANOTHER_PORT, "[backup.example.com]:23", "backup.example.com"),
    ],
)
def test_ssh_knows_the_server_by_all_of_its_keys(tmp_path: Path, more: dict[str, Any], name: str, unknown: str) -> None:
    files = rendered(**more)
    known = tmp_path / "known_hosts"
    known.write_text(files["etc/roost/restic/known_hosts"][1])
    assert files["etc/pgbackrest/known_hosts"][1] == known.read_text()
    assert [line for line in keys_of(known, name) if not line.startswith("#")] == [
        f"{name} {key}" for key in SFTP["host_keys"]
    ]
    assert keys_of(known, unknown) == []


def keys_of(known: Path, name: str) -> list[str]:
    found = subprocess.run(
        ["ssh-keygen", "-F", name, "-f", str(known)], capture_output=True, text=True, check=False
    ).stdout
    return found.splitlines()


def test_ssh_understands_its_configuration_and_trusts_nobody_else(tmp_path: Path) -> None:
    config = tmp_path / "ssh_config"
    config.write_text(rendered(**ANOTHER_PORT)["etc/roost/restic/ssh_config"][1])
    asked = subprocess.run(
        ["ssh", "-G", "-F", str(config), "backup.example.com"], capture_output=True, text=True, check=True
    )
    options = dict(line.split(" ", 1) for line in asked.stdout.splitlines())
    assert (options["port"], options["user"]) == ("23", "roost")
    assert options["identityfile"] == "/etc/roost/restic/sftp_key"
    assert options["stricthostkeychecking"] in ("true", "yes")
    assert options["userknownhostsfile"] == "/etc/roost/restic/known_hosts"
    assert options["globalknownhostsfile"] == "/dev/null"
    assert (options["batchmode"], options["identitiesonly"], options["connecttimeout"]) == ("yes", "yes", "10")


def test_pgbackrest_is_told_where_and_whom_to_trust() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(rendered(**ANOTHER_PORT)["etc/pgbackrest/pgbackrest.conf"][1])
    told = {key.removeprefix("repo2-"): value for key, value in parser["global"].items() if key.startswith("repo2-")}
    assert {key: value for key, value in told.items() if key in ("type", "path") or key.startswith("sftp-")} == {
        "type": "sftp",
        "path": "/srv/backups",
        "sftp-host": "backup.example.com",
        "sftp-host-port": "23",
        "sftp-host-user": "roost",
        "sftp-host-key-check-type": "strict",
        "sftp-host-key-hash-type": "sha256",
        "sftp-known-host": "/etc/pgbackrest/known_hosts",
        "sftp-private-key-file": "/etc/pgbackrest/sftp_key",
    }
    assert told["cipher-type"] == "aes-256-cbc"


@pytest.mark.parametrize(
    ("path", "base"), [("/srv/backups", "sftp://roost@backup.example.com:22//srv/backups"), ("/", None)]
)
def test_restic_has_a_repository_for_each_host_and_one_for_the_project(path: str, base: str | None) -> None:
    base = base or "sftp://roost@backup.example.com:22/"
    files = rendered(path=path)
    for name, folder in (("offsite", "/files/vm1"), ("project", "/project")):
        text = files[f"etc/roost/restic/{name}.env"][1]
        assert f"\nRESTIC_REPOSITORY={base}{folder}\n" in text
        assert "\nSFTP_COMMAND='ssh -F /etc/roost/restic/ssh_config backup.example.com -s sftp'\n" in text
        assert "AWS_" not in text
    assert "SFTP_COMMAND" not in files["etc/roost/restic/local.env"][1]


def test_only_root_and_postgresql_can_read_the_key() -> None:
    files = rendered()
    for path, mode, group in (
        ("etc/roost/restic/sftp_key", 0o600, "root"),
        ("etc/pgbackrest/sftp_key", 0o640, "postgres"),
    ):
        file, text = files[path]
        assert (file.mode, file.owner, file.group, file.secret) == (mode, "root", group, True)
        assert text == PRIVATE_KEY
    body = PRIVATE_KEY.splitlines()[1]
    assert {path for path, (_, text) in files.items() if body in text} == {
        "etc/roost/restic/sftp_key",
        "etc/pgbackrest/sftp_key",
    }


def test_each_host_has_only_what_it_needs() -> None:
    def keys(host: str) -> set[str]:
        return {path for path in rendered("debian12", TWO_HOSTS, host) if path.endswith("sftp_key")}

    assert keys("a1") == {"etc/roost/restic/sftp_key"}
    assert keys("d1") == {"etc/pgbackrest/sftp_key"}
    stack = stack_of()
    stack["backups"] = {"offsite": {"s3": {"endpoint": "s3.example.com", "bucket": "atlas"}}}
    (tree,) = render_role("backup", stack, "debian13")
    assert not [file.path for file, _ in tree.files if "sftp" in file.path or "known_hosts" in file.path]
