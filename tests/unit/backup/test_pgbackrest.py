"""What pgBackRest is asked for, and what its failures mean."""

import json
from collections.abc import Sequence

import pytest
from ansible.module_utils.roost_backup import commands
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_backup.pgbackrest import AT_ONCE, PgBackRest, create_stanza, explained

from tests.unit.backup.test_catalogue import FULL, entry, info
from tests.unit.backup.test_verification import SOUND

OFFSITE = PgBackRest(2, "offsite")


class Runner:
    """Remembers the commands, and prints or fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.prints = ""
        self.fails = ""

    def __call__(self, argv: Sequence[str], **_: object) -> str:
        self.asked.append(list(argv))
        if self.fails:
            raise BackupError(self.fails)
        return self.prints


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    runner = Runner()
    monkeypatch.setattr(commands, "run", runner)
    return runner


@pytest.mark.parametrize(
    ("problem", "meaning"),
    [
        (
            "ERROR: [029]: unable to load info file\nFormatError: invalid checksum",
            "what is there can't be read with this passphrase",
        ),
        ("CryptoError: unable to flush", "what is there can't be read with this passphrase"),
        (
            "ERROR: [039]: HTTP request failed with 403 (Forbidden):\n*** Path/Query ***:",
            "the server refuses the access key",
        ),
        (
            "ERROR: [049]: unable to get address for 's3': [-2] Name or service not known",
            "the server's name is not known",
        ),
        ("ERROR: [049]: unable to connect to 's3:443': [111] Connection refused", "the server can't be reached"),
        (
            "CryptoError: unable to verify certificate presented by 's3:443': [10] certificate has expired",
            "the server's certificate has expired, or this host's clock is wrong",
        ),
        (
            "ERROR: [101]: public key authentication failed: libssh2 error [-18]\n HINT: libssh2 compiled against",
            "the server refuses the key: it must know what `roost backup-key` prints",
        ),
        (
            "[ServiceError] known hosts failure: 'backup' mismatch in known hosts files: "
            "LIBSSH2_KNOWNHOST_CHECK_MISMATCH [1]: check type [strict]",
            "the server has a host key that isn't declared: add it to host_keys",
        ),
        ("[ServiceError] timeout during libssh2 handshake [-37]", "the server can't be reached"),
        (
            "ERROR: [047]: sftp error unable to create path '/x': libssh2 error [-31]: sftp error [3]",
            "the account may not write to its path",
        ),
        ("ERROR: [028]: no room", "ERROR: [028]: no room"),
        ("", ""),
    ],
)
def test_known_failures_are_explained_and_others_told_as_they_are(problem: str, meaning: str) -> None:
    assert explained(problem) == meaning


def test_a_repository_is_looked_at_by_its_number(runner: Runner) -> None:
    runner.prints = json.dumps(info(entry(FULL, 2)))
    assert [backup.label for backup in OFFSITE.look().backups] == [FULL]
    assert runner.asked == [[*commands.AS_POSTGRES, "pgbackrest", "--stanza=main", "--repo=2", "--output=json", "info"]]


def test_what_is_no_json_is_told(runner: Runner) -> None:
    runner.prints = "a warning\n"
    with pytest.raises(BackupError, match=r"^offsite: pgbackrest printed no JSON but: a warning$"):
        OFFSITE.look()


def test_a_failure_is_told_with_the_name_of_the_repository(runner: Runner) -> None:
    runner.fails = "ERROR: [049]: unable to connect to 's3:443'"
    with pytest.raises(BackupError, match=r"^offsite: the server can't be reached$"):
        OFFSITE.look()


def test_so_is_one_that_is_in_what_was_printed(runner: Runner) -> None:
    runner.prints = json.dumps(info(repo2=(99, "[CryptoError] cipher header invalid")))
    with pytest.raises(BackupError, match=r"^offsite: what is there can't be read with this passphrase$"):
        OFFSITE.look()


def test_a_backup_removes_nothing_by_itself(runner: Runner) -> None:
    OFFSITE.back_up("diff")
    OFFSITE.expire(FULL)
    OFFSITE.expire_archive()
    create_stanza()
    assert [" ".join(argv).partition("--stanza=main ")[2] for argv in runner.asked] == [
        "--repo=2 --type=diff --no-expire-auto backup",
        f"--repo=2 --set={FULL} expire",
        "--repo=2 expire",
        "stanza-create",
    ]


def test_repositories_that_can_not_be_prepared_are_explained(runner: Runner) -> None:
    runner.fails = "ERROR: [047]: sftp error unable to create path '/x': libssh2 error [-31]: sftp error [3]"
    with pytest.raises(BackupError, match=r"^the account may not write to its path$"):
        create_stanza()


def test_what_is_forgotten_leaves_the_history_first(runner: Runner) -> None:
    runner.prints = f"2026/{FULL}.manifest.gz\n"
    OFFSITE.forget(FULL)
    assert [" ".join(argv).partition("--stanza=main ")[2] for argv in runner.asked] == [
        f"--repo=2 --recurse --filter=/{FULL}[.] repo-ls backup/main/backup.history",
        f"--repo=2 repo-rm backup/main/backup.history/2026/{FULL}.manifest.gz",
        f"--repo=2 --set={FULL} expire",
    ]


def test_a_verification_that_says_nothing_is_a_failure(runner: Runner) -> None:
    runner.prints = SOUND
    assert not OFFSITE.verify().broken
    runner.prints = "no such thing\n"
    with pytest.raises(BackupError, match=r"^the repository offsite can't be verified: no such thing$"):
        OFFSITE.verify()


@pytest.mark.parametrize(
    ("until", "archives", "options"),
    [
        ("", True, ["--archive-mode=preserve"]),
        ("", False, ["--archive-mode=off"]),
        (AT_ONCE, True, ["--type=immediate", "--target-action=promote", "--archive-mode=preserve"]),
        (
            "2026-11-26 14:05:00+00",
            True,
            ["--target=2026-11-26 14:05:00+00", "--type=time", "--target-action=promote", "--archive-mode=preserve"],
        ),
    ],
)
def test_a_restore_goes_to_the_end_or_to_a_moment(
    runner: Runner, until: str, archives: bool, options: list[str]
) -> None:
    limited = Runner()
    OFFSITE.restore("/data", FULL, until=until, runner=limited, archives=archives)
    assert runner.asked == []
    assert limited.asked == [
        ["pgbackrest", "--stanza=main", "--repo=2", "--pg1-path=/data", f"--set={FULL}", *options, "restore"]
    ]
