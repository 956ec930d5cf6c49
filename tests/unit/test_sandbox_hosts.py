import io
import os
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roost.cli.sandbox import app
from roost.errors import SandboxError, UsageError
from roost.sandbox.container import first_boot_files, put_files
from roost.sandbox.engine import remove_stale
from roost.sandbox.hosts import check_host_name
from roost.sandbox.packages import require_command


class RecordingContainer:
    """Keeps what is written into it."""

    def __init__(self):
        self.written = {}

    def put_archive(self, path, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                self.written[path + member.name] = (tar.extractfile(member).read().decode(), member.mode)


@pytest.mark.parametrize("name", ["a", "web1", "db-13", "a" * 40])
def test_plain_host_names_are_accepted(name):
    check_host_name(name)


@pytest.mark.parametrize("name", ["", "1web", "Web", "web_1", "web-", "-web", "web.example", "a" * 41, "web\n"])
def test_other_host_names_are_refused(name):
    with pytest.raises(UsageError, match="can't name a host"):
        check_host_name(name)


def test_new_host_gets_its_own_identity():
    container = RecordingContainer()
    put_files(container, first_boot_files("web1", "10.203.0.20", "nameserver 192.0.2.53\n"))
    assert container.written["/etc/hostname"] == ("web1\n", 0o644)
    assert "10.203.0.20 web1\n" in container.written["/etc/hosts"][0]
    assert container.written["/etc/resolv.conf"][0] == "nameserver 192.0.2.53\n"
    assert container.written["/etc/machine-id"][0] == ""
    assert "/etc/ssh/sandbox-first-boot" in container.written


@pytest.mark.parametrize(
    "number", ["999999999", "", str(os.getpid())], ids=["no process", "nothing", "another process"]
)
def test_pid_file_of_no_engine_is_removed(tmp_path, number):
    pid_file = tmp_path / "docker.pid"
    pid_file.write_text(number)
    remove_stale(pid_file, process="dockerd")
    assert not pid_file.exists()


def test_pid_file_of_a_running_process_is_kept(tmp_path):
    pid_file = tmp_path / "docker.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    remove_stale(pid_file, process=Path("/proc/self/comm").read_text().strip())
    assert pid_file.exists()


def test_missing_command_on_another_system_is_explained(monkeypatch):
    monkeypatch.setattr("roost.sandbox.packages.find_command", lambda _: None)
    monkeypatch.setattr("roost.sandbox.packages.shutil.which", lambda *_: None)
    with pytest.raises(SandboxError, match="not a Debian-family machine") as caught:
        require_command("dockerd", "docker.io", say=print)
    assert "Install docker.io" in caught.value.hint


@pytest.mark.parametrize("arguments", [["down"], ["down", "web1", "--all"]])
def test_down_wants_names_or_all(arguments):
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)


def test_release_and_snapshot_exclude_each_other():
    result = CliRunner().invoke(app, ["up", "web1", "--release", "debian12", "--from", "tag"])
    assert isinstance(result.exception, UsageError)
