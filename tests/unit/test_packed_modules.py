"""The callback packed_modules through ansible-playbook: a second run packs nothing, a changed module is packed anew.

Where root runs it, the second run finds the modules unpacked and compiled.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.unpacked import FOLDER

from tests.support.project import REPOSITORY

MODULE = """#!/usr/bin/python
from ansible.module_utils import basic
basic.AnsibleModule(argument_spec={}).exit_json(said="WORD", basic=basic.__file__)
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - {say: , register: answer}
    - {ansible.builtin.debug: {msg: "said {{ answer.said }} from {{ answer.basic }}"}}
"""


def play(folder: Path) -> str:
    """Run the playbook with a home of its own, so that nothing was packed before."""
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"],
        cwd=folder,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_LIBRARY": str(folder / "library"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packed(folder: Path) -> dict[Path, int]:
    """Return the packed modules and when each was written."""
    kept = (folder / "home" / "roost" / "modules").rglob("*say*-none")
    return {file: file.stat().st_mtime_ns for file in kept}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "say.py").write_text(MODULE)
    (tmp_path / "play.yml").write_text(PLAY)
    return tmp_path


def test_a_second_run_packs_nothing_and_a_changed_module_is_packed_anew(project: Path) -> None:
    assert "WORD" in play(project)
    first = packed(project)
    assert len(first) == 1
    play(project)
    assert packed(project) == first
    (project / "library" / "say.py").write_text(MODULE.replace("WORD", "another word"))
    assert "another word" in play(project)
    assert len(packed(project)) == 2
    assert (project / "home" / "roost" / "modules").stat().st_mode & 0o777 == 0o700


def test_a_second_run_finds_its_modules_unpacked_if_it_is_root(project: Path) -> None:
    assert "payload.zip/ansible/module_utils/basic.py" in play(project)
    unpacked = FOLDER / next(iter(packed(project))).parent.name
    root = os.geteuid() == 0
    assert (f"from {unpacked}/ansible/module_utils/basic.py" in play(project)) == root
    assert bool(list(unpacked.glob("ansible/module_utils/__pycache__/basic.*.pyc"))) == root
    shutil.rmtree(unpacked, ignore_errors=True)


def test_a_run_works_where_nothing_can_be_kept(project: Path) -> None:
    (project / "home").mkdir()
    (project / "home" / "roost").write_text("a file where the folder should be")
    assert "WORD" in play(project)
