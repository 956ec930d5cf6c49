"""The ssh command that reaches a host as Ansible would."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roost.connection import Connection, connection_of, connection_variables
from roost.errors import UsageError
from tests.unit.environments import write_environment

COMMAND = ["show", "a b", 'it\'s "quoted"', "$HOME", "", "--flag"]


@pytest.mark.parametrize(
    ("variables", "address", "options"),
    [
        ({}, "vm1", ()),
        ({"ansible_host": "192.0.2.1"}, "192.0.2.1", ()),
        ({"ansible_port": 2222, "ansible_user": "deploy"}, "vm1", ("-p", "2222", "-l", "deploy")),
        ({"ansible_ssh_private_key_file": "/keys/a b"}, "vm1", ("-i", "/keys/a b")),
        ({"ansible_private_key_file": "~/key"}, "vm1", ("-i", str(Path("~/key").expanduser()))),
        (
            {"ansible_ssh_common_args": "-F '/my files/config'", "ansible_ssh_extra_args": "-v"},
            "vm1",
            ("-F", "/my files/config", "-v"),
        ),
    ],
)
def test_the_inventory_says_how(variables: dict[str, Any], address: str, options: tuple[str, ...]) -> None:
    assert connection_of("vm1", variables) == Connection(address, options)


def test_only_ssh_is_taken() -> None:
    with pytest.raises(UsageError, match="ansible_connection is local"):
        connection_of("vm1", {"ansible_connection": "local"})


def test_a_terminal_and_questions_are_as_wanted() -> None:
    connection = Connection("vm1", ("-p", "2222"))
    assert "-t" in connection.command(["id"], terminal=True)
    assert "-T" in connection.command(["id"])
    assert "BatchMode=yes" not in connection.command(["id"])
    assert "BatchMode=yes" in connection.command(["id"], ask=False)
    assert connection.command(["id"])[-4:-1] == ["-p", "2222", "vm1"]


def test_every_argument_arrives_as_it_was_given(tmp_path: Path) -> None:
    """What sshd hands to the login shell is run here, by one user who is root and one who needs sudo."""
    programs = {"show": 'for a in "$@"; do echo "[$a]"; done', "sudo": 'echo "sudo $1 $2"; shift 2; exec "$@"'}
    for user, prefix in (("0", ""), ("1000", "sudo -n --\n")):
        for name, script in {**programs, "id": f"echo {user}"}.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        text = Connection("vm1", ()).command(COMMAND)[-1]
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", text], env={"PATH": path, "HOME": "/x"}, capture_output=True, text=True, check=True
        )
        assert done.stdout == prefix + "".join(f"[{argument}]\n" for argument in COMMAND[1:])
        assert shlex.split(text)[-len(COMMAND) :] == COMMAND


def test_variables_are_templated_and_come_from_everywhere(tmp_path: Path) -> None:
    folder = write_environment(tmp_path)
    (folder / "group_vars/all/sandbox.yml").write_text("ansible_ssh_common_args: \"-F {{ inventory_dir ~ '/c' }}\"\n")
    (folder / "host_vars").mkdir()
    (folder / "host_vars/vm1.yml").write_text("ansible_port: 2222\nother: 1\n")
    password = tmp_path / "password"
    password.write_text("secret")
    assert connection_variables(folder, "vm1", password) == {
        "ansible_host": "192.0.2.1",
        "ansible_port": 2222,
        "ansible_ssh_common_args": f"-F {folder}/c",
    }
