"""What `pgbackrest verify` prints, which exits with 0 even if everything is broken."""

import pytest
from ansible.module_utils.roost_backup.verification import Verification, parse

FULL = "20261126-150009F"
DIFF = f"{FULL}_20261126-150011D"
NOTHING = "    missing: 0, checksum invalid: 0, size invalid: 0, other: 0\n"
SOUND = f"""\
stanza: main
status: ok
  archiveId: 15-1, total WAL checked: 4, total valid WAL: 4
{NOTHING}\
  backup: {FULL}, status: valid, total files checked: 1261, total valid files: 1261
{NOTHING}"""
ROTTEN = f"""\
stanza: main
status: error
  archiveId: 15-1, total WAL checked: 5, total valid WAL: 5
{NOTHING}\
  backup: {FULL}, status: invalid, total files checked: 1261, total valid files: 1260
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: {DIFF}, status: invalid, total files checked: 1261, total valid files: 1260
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
"""


def test_all_is_well() -> None:
    assert parse(SOUND) == Verification({}, "")


def test_broken_backups_are_named_with_what_is_wrong() -> None:
    assert parse(ROTTEN) == Verification({FULL: "1 checksum invalid", DIFF: "1 checksum invalid"}, "")


def test_only_the_broken_one_of_several_is_named() -> None:
    mixed = ROTTEN.replace("status: invalid", "status: valid", 1).replace(
        "checksum invalid: 1", "checksum invalid: 0", 1
    )
    assert parse(mixed).broken == {DIFF: "1 checksum invalid"}


def test_everything_that_is_wrong_is_told() -> None:
    worse = ROTTEN.replace(
        "missing: 0, checksum invalid: 1, size invalid: 0", "missing: 3, checksum invalid: 1, size invalid: 2"
    )
    assert parse(worse).broken[FULL] == "3 missing, 1 checksum invalid, 2 size invalid"


def test_missing_wal_is_the_archives_and_no_backups_fault() -> None:
    gap = SOUND.replace("status: ok", "status: error", 1).replace("missing: 0", "missing: 2", 1)
    assert parse(gap) == Verification({}, "15-1: 2 missing")


def test_the_archives_of_two_versions_are_told_apart() -> None:
    older = f"  archiveId: 14-1, total WAL checked: 2, total valid WAL: 1\n{NOTHING.replace('other: 0', 'other: 1')}"
    assert parse(SOUND.replace("  archiveId", f"{older}  archiveId")).archive == "14-1: 1 other"


def test_a_backup_without_its_manifest_is_broken() -> None:
    gone = SOUND + f"  backup: {DIFF}, status: manifest missing, total files checked: 0, total valid files: 0\n"
    assert parse(gone).broken == {DIFF: "manifest missing"}


def test_a_backup_that_is_being_made_is_not_broken() -> None:
    busy = SOUND + f"  backup: {DIFF}, status: in-progress, total files checked: 0, total valid files: 0\n"
    assert parse(busy) == Verification({}, "")


def test_an_invalid_backup_without_counts_is_broken_all_the_same() -> None:
    odd = SOUND.replace("status: valid", "status: invalid")
    assert parse(odd).broken == {FULL: "invalid"}


def test_an_error_that_is_neither_a_backups_nor_the_archives_is_told_as_it_is() -> None:
    told = "stanza: main\nstatus: error\n  archiveId: none found\n  backup: none found\n"
    assert parse(told).archive == "stanza: main status: error archiveId: none found backup: none found"
    assert parse(told.replace("error", "ok")) == Verification({}, "")


@pytest.mark.parametrize("printed", ["", "\n", "ERROR: [056]: unable to open", "the status: ok", "{}"])
def test_anything_else_is_no_verification(printed: str) -> None:
    with pytest.raises(ValueError, match="no status"):
        parse(printed)
