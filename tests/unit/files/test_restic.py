"""How restic is called, and what its failures mean."""

import json
import socket
from pathlib import Path

import pytest
from ansible.module_utils.roost_backup.errors import BackupError
from ansible.module_utils.roost_files.restic import Keep, Restic, Size

from tests.unit.files.conftest import SUMMARY, FakeRestic, repository_at

WHERE = "\nIs there a repository at the following location?\ns3:https://s3.test:8333/backups/roost/files/vm1\n"
NO_SESSION = (
    "Fatal: unable to open repository at sftp://roost@backup//files/vm1: unable to start the sftp session, error: EOF\n"
)
HEAD = 'Fatal: unable to open config file: Stat: Head "https://s3.test:8333/backups/roost/files/vm1/config": '


def test_secrets_are_in_the_environment_of_restic_alone(restic: FakeRestic, repository: Restic) -> None:
    assert repository.exists()
    assert "RESTIC_PASSWORD=open \"sesame's $HOME\n" in restic.environment()
    assert restic.arguments() == "--option=s3.bucket-lookup=path cat config\n"


@pytest.mark.parametrize(
    "said",
    [
        "Fatal: unable to open config file: Stat: The specified key does not exist.",
        "Fatal: unable to open config file: stat /var/backups/roost/files/config: no such file or directory",
        "Fatal: unable to open config file: Lstat: file does not exist",
        "Fatal: repository does not exist: unable to open config file: Lstat /files/vm1/config: file does not exist",
    ],
)
def test_there_is_none_yet(restic: FakeRestic, repository: Restic, said: str) -> None:
    restic.answer("cat", stderr=said + WHERE, code=1)
    assert not repository.exists()
    assert repository.snapshots() == ()


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("Fatal: wrong password or no key found\n", "can't be read with this passphrase"),
        (f"Fatal: unable to open config file: Stat: Access Denied.{WHERE}", "refuses the access key"),
        (f"{HEAD}x509: certificate signed by unknown authority{WHERE}", "authority that isn't trusted"),
        (f"{HEAD}dial tcp: lookup s3.test on 10.0.0.1:53: no such host{WHERE}", "name is not known"),
        (f"{HEAD}dial tcp 127.0.0.1:8333: connect: connection refused{WHERE}", "the server can't be reached"),
        (
            f"subprocess ssh: roost@backup: Permission denied (publickey).\n{NO_SESSION}",
            "refuses the key: .*backup-key",
        ),
        (f"subprocess ssh: Host key verification failed.\n{NO_SESSION}", "host key that isn't declared"),
        (f"subprocess ssh: ssh: connect to host backup port 22: Connection refused\n{NO_SESSION}", "can't be reached"),
        (
            "Fatal: unable to open config file: Lstat /files/vm1/config: permission denied\n",
            "may not write to its path",
        ),
        ("Fatal: something new\n", "Fatal: something new"),
    ],
)
def test_one_that_can_not_be_looked_into_is_never_taken_for_none(
    restic: FakeRestic, repository: Restic, said: str, meaning: str
) -> None:
    restic.answer("cat", stderr=said, code=1)
    with pytest.raises(BackupError, match=f"^offsite: .*{meaning}") as raised:
        repository.exists()
    assert "\n" not in str(raised.value)


def test_one_that_does_not_answer_is_given_up(restic: FakeRestic, repository: Restic) -> None:
    restic.hang("cat")
    with pytest.raises(BackupError, match="offsite: it did not answer within 1 s"):
        repository.exists()


@pytest.fixture
def by_sftp(tmp_path: Path, restic: FakeRestic) -> Restic:
    """A repository on a host where nothing listens."""
    assert restic.folder == tmp_path
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    command = f"SFTP_COMMAND='ssh -F /dev/null -o BatchMode=yes -p {port} 127.0.0.1 -s sftp'\n"
    return repository_at(tmp_path, "offsite", f"RESTIC_REPOSITORY=sftp://roost@127.0.0.1:{port}//files/vm1\n{command}")


def test_restic_is_told_how_to_connect(restic: FakeRestic, by_sftp: Restic) -> None:
    assert by_sftp.exists()
    assert by_sftp.folder is None
    assert restic.arguments().startswith("--option=sftp.command=ssh -F /dev/null -o BatchMode=yes -p ")


def test_ssh_itself_is_asked_why_there_is_no_connection_if_restic_does_not_say(
    restic: FakeRestic, by_sftp: Restic
) -> None:
    restic.answer("cat", stderr=NO_SESSION, code=1)
    with pytest.raises(BackupError, match=r"^offsite: the server can't be reached$"):
        by_sftp.exists()


@pytest.mark.parametrize("command", ["true", "sleep 20", "/nowhere/ssh"])
def test_if_it_does_not_say_either_restic_is_quoted(tmp_path: Path, restic: FakeRestic, command: str) -> None:
    repository = repository_at(tmp_path, "offsite", f"RESTIC_REPOSITORY=sftp:x:/files\nSFTP_COMMAND='{command}'\n")
    restic.answer("cat", stderr=NO_SESSION, code=1)
    with pytest.raises(BackupError, match="unable to start the sftp session"):
        repository.exists()


def test_a_file_that_vanished_meanwhile_is_no_problem_and_one_that_is_there_is(
    tmp_path: Path, restic: FakeRestic, repository: Restic
) -> None:
    (tmp_path / "there").touch()
    for name in ("gone", "there"):
        error = json.dumps({"message_type": "error", "item": str(tmp_path / name)})
        restic.answer("backup", json.dumps(SUMMARY), error, code=3)
        if name == "gone":
            assert repository.back_up("atlas", "vm1", ["/srv"]).label == "e8afe109"
        else:
            with pytest.raises(BackupError, match=r"offsite: atlas: not all files could be read, such as .*/there"):
                repository.back_up("atlas", "vm1", ["/srv"])
    assert "--host=vm1 --tag=atlas -- /srv" in restic.arguments()


def test_a_damaged_repository_is_told(restic: FakeRestic, repository: Restic) -> None:
    repository.verify(3)
    assert "check --read-data-subset=3/7" in restic.arguments()
    restic.answer("check", "error: pack 12 is damaged\n", "Fatal: repository contains errors\n", code=1)
    with pytest.raises(BackupError, match=r"offsite: the repository is damaged: error: pack 12.*contains errors"):
        repository.verify(3)


def test_what_is_kept_for_no_month_is_not_said(restic: FakeRestic, repository: Restic) -> None:
    repository.forget(Keep(7, 4, 0))
    assert "forget --group-by=tags --keep-daily=7 --keep-weekly=4 --prune" in restic.arguments()


def test_the_size_of_a_snapshot(restic: FakeRestic, repository: Restic) -> None:
    restic.answer("stats", '{"total_size":9,"total_file_count":5,"snapshots_count":1}')
    assert repository.size("e8afe109") == Size(entries=5, file_bytes=9)


def test_a_host_that_was_not_set_up_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"there is no .*/offsite.env: run site.yml"):
        Restic("offsite", tmp_path).exists()


def test_a_repository_may_be_a_folder(tmp_path: Path, repository: Restic) -> None:
    assert repository.folder is None
    assert repository_at(tmp_path, "local", "RESTIC_REPOSITORY=/var/x\n").folder == Path("/var/x")
