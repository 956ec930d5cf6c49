"""The wheel carries all that is needed, and nothing else: it works in a folder that is no clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.project import REPOSITORY

BUNDLE = "roost/bundle"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the content of a fresh wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "unpacked")
    return folder / "unpacked"


def run(unpacked: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(unpacked),
        "ANSIBLE_CONFIG": str(unpacked / BUNDLE / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".cache" / "collections"),
    }
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def roost(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(unpacked, cwd, sys.executable, "-c", "from roost.cli import main; main()", *arguments)


def test_roles_and_playbooks_travel_and_what_a_run_left_does_not(unpacked: Path) -> None:
    bundle = unpacked / BUNDLE
    for path in ("site.yml", "roles", "playbooks", "plugins", "monitoring"):
        listed = subprocess.run(["git", "ls-files", path], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert [name for name in listed.stdout.splitlines() if not (bundle / name).is_file()] == []
    assert sorted(path.name for path in (bundle / "inventories").rglob("*.yml")) == ["hosts.yml", "stack.yml"]


def test_a_new_environment_is_checked_with_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    assert roost(unpacked, tmp_path, "init").returncode == 0
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    assert roost(unpacked, tmp_path, "check", "-e", "prod").returncode == 0
    stack = tmp_path / "inventories/prod/group_vars/all/stack.yml"
    stack.write_text(stack.read_text().replace("framework: django", "framework: djang"))
    refused = roost(unpacked, tmp_path, "check", "-e", "prod")
    assert refused.returncode == 3
    assert 'Did you mean "django"?' in refused.stderr


def test_ansible_reads_the_playbooks_of_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    roost(unpacked, tmp_path, "init")
    for playbook in ("site.yml", "playbooks/deploy.yml"):
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        path = str(unpacked / BUNDLE / playbook)
        read = run(unpacked, tmp_path, program, "--syntax-check", "-i", "inventories/prod", path)
        assert read.returncode == 0, read.stderr
