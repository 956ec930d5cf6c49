"""When a release may take over the virtual environment of an earlier one."""

from pathlib import Path

import pytest
from ansible.module_utils.roost_app.dependencies import dependencies_digest, requirement_lines, venv_with
from ansible.module_utils.roost_app.releases import write_manifest

from tests.support.project import REPOSITORY

PINNED = """\
# by uv
django[argon2]==5.2.1 ; python_version >= '3.11' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via -r requirements.in
six==1.17.0  # old
"""


def digest(requirements: str, gunicorn: str = "gunicorn==27.0.1", python: str = "/usr/bin/python3.11") -> str:
    return dependencies_digest(requirements, {"gunicorn": gunicorn}, python)


def test_a_requirement_is_one_line_without_comments() -> None:
    assert list(requirement_lines(PINNED)) == [
        "django[argon2]==5.2.1 ; python_version >= '3.11' --hash=sha256:aa --hash=sha256:bb",
        "six==1.17.0",
    ]


def test_pinned_requirements_have_a_digest_of_all_that_counts() -> None:
    assert digest(PINNED) == digest(PINNED.replace("# old", "# new"))
    others = {
        digest(PINNED.replace("1.17.0", "1.16.0")),
        digest(PINNED, "gunicorn==26.0"),
        digest(PINNED, python="/usr/bin/python3.12"),
    }
    assert len(others | {digest(PINNED)}) == 4
    assert "" not in others


@pytest.mark.parametrize("app", ["atlas", "memo", "pulse"])
def test_the_examples_are_pinned(app: str) -> None:
    assert digest((REPOSITORY / "examples" / "apps" / app / "requirements.txt").read_text())


@pytest.mark.parametrize(
    "line",
    ["", "six", "six>=1.0", "six==1.*", "six===1.0", "-r more.txt", "./vendored", "six @ file:///six.whl", "--pre"],
)
def test_what_may_change_without_notice_has_none(line: str) -> None:
    assert digest(line) == ""


def build(releases: Path, release: str, dependencies: str) -> Path:
    venv = releases / release / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    write_manifest(releases / release, {"built": release, "dependencies": dependencies})
    return venv


def test_the_newest_complete_release_with_the_same_dependencies_is_taken(tmp_path: Path) -> None:
    older, newer, other = (build(tmp_path, *release) for release in (("1", "a"), ("2", "a"), ("3", "b")))
    assert venv_with("a", tmp_path) == newer
    assert venv_with("b", tmp_path) == other
    assert venv_with("c", tmp_path) is None
    assert venv_with("", tmp_path) is None
    (newer / "bin" / "python").unlink()
    assert venv_with("a", tmp_path) == older
