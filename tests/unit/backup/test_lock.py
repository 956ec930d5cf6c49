"""One backup, restore or drill at a time."""

import re
from pathlib import Path

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.lock import held


def test_a_second_one_is_refused_with_what_the_first_one_said(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with held("backup", file):
        with pytest.raises(BackupError) as raised, held("restore", file):
            pytest.fail("both hold it")
        assert re.fullmatch(
            r"a backup that began at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC is still at work on this host",
            str(raised.value),
        )
    with held("restore", file), pytest.raises(BackupError, match=r"^a restore that began at"), held("backup", file):
        pytest.fail("both hold it")


def test_it_is_free_again_after_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with pytest.raises(KeyboardInterrupt), held("restore drill", file):
        raise KeyboardInterrupt
    with held("backup", file):
        assert file.read_text().startswith("a backup that began at ")


def test_one_that_has_said_nothing_yet_is_another_run(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with held("backup", file):
        file.write_text("")
        with pytest.raises(BackupError, match=r"^another run is still at work"), held("restore", file):
            pytest.fail("both hold it")
