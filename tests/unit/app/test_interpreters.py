"""Which Python of the host a release gets."""

from pathlib import Path

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.interpreters import SYSTEM_PYTHON, interpreter


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for name in ("local/python3.13", "usr/python3.13", "usr/python3.9", "usr/python3.13-config", "usr/python3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return [str(tmp_path / "local"), str(tmp_path / "usr")]


def test_the_first_of_a_version_counts(folders: list[str]) -> None:
    assert interpreter("", folders) == SYSTEM_PYTHON
    assert interpreter("3.13", folders) == f"{folders[0]}/python3.13"
    assert interpreter("3.9", folders) == f"{folders[1]}/python3.9"


def test_a_version_that_is_not_there_is_refused_with_those_there_are(folders: list[str]) -> None:
    with pytest.raises(ReleaseError, match=r"no Python 3\.12; it has 3\.9 and 3\.13; nothing was built"):
        interpreter("3.12", folders)
    with pytest.raises(ReleaseError, match="it has none"):
        interpreter("3.12", [])
