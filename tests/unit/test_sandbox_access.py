import os
import shlex
import stat
import subprocess

import pytest
import yaml

from roost.sandbox.access import (
    Access,
    ensure_key,
    render_inventory,
    render_known_hosts,
    render_ssh_config,
    write_access_files,
)
from roost.sandbox.folder import Folder

HOSTS = [
    Access("web12", "10.203.0.20", "ssh-ed25519 AAAAweb"),
    Access("db13", "10.203.0.21", "ssh-ed25519 AAAAdb"),
]


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path / "a folder with spaces")
    folder.root.mkdir()
    return folder


def settings_of(folder, name):
    """What ssh itself makes of the configuration for a host."""
    command = ["ssh", "-G", "-F", str(folder.ssh_config), name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_known_hosts_lists_each_host_by_name_and_address():
    assert render_known_hosts(HOSTS).splitlines() == [
        "web12,10.203.0.20 ssh-ed25519 AAAAweb",
        "db13,10.203.0.21 ssh-ed25519 AAAAdb",
    ]


def test_ssh_reads_its_configuration_with_host_keys_checked(folder):
    write_access_files(folder, HOSTS)
    settings = settings_of(folder, "db13")
    assert settings["hostname"] == "10.203.0.21"
    assert settings["user"] == "root"
    assert settings["stricthostkeychecking"] == "true"
    assert settings["identityfile"] == str(folder.key)
    assert settings["userknownhostsfile"] == str(folder.known_hosts)


def test_inventory_tells_ansible_all_about_each_host(folder):
    inventory = yaml.safe_load(render_inventory(folder, HOSTS))
    host = inventory["all"]["hosts"]["web12"]
    assert host["ansible_host"] == "10.203.0.20"
    assert host["ansible_user"] == "root"
    assert host["ansible_ssh_private_key_file"] == str(folder.key)
    arguments = shlex.split(host["ansible_ssh_common_args"])
    assert "StrictHostKeyChecking=yes" in arguments
    assert f'UserKnownHostsFile="{folder.known_hosts}"' in arguments


def test_no_hosts_make_valid_files(folder):
    assert yaml.safe_load(render_inventory(folder, [])) == {"all": {"hosts": {}}}
    assert "Host " not in render_ssh_config(folder, [])


def test_key_is_generated_once_and_is_private(folder):
    first = ensure_key(folder)
    assert first.startswith("ssh-ed25519 ")
    assert stat.S_IMODE(folder.key.stat().st_mode) == 0o600
    assert ensure_key(folder) == first


def test_lost_half_of_a_key_is_made_good(folder):
    first = ensure_key(folder)
    folder.public_key.unlink()
    assert ensure_key(folder) != first


def test_folder_comes_from_the_environment_or_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROOST_SANDBOX_DIR", raising=False)
    assert Folder.of_current_project().root == tmp_path / ".sandbox"
    monkeypatch.setenv("ROOST_SANDBOX_DIR", "elsewhere")
    assert Folder.of_current_project().root == tmp_path / "elsewhere"


def test_lock_keeps_a_second_process_out_and_says_so(folder):
    said: list[str] = []
    with folder.locked(said.append):
        child = os.fork()
        if child == 0:
            with folder.locked(lambda _: os._exit(7)):
                os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert said == []
