"""Backups on another host, by SFTP: they are made, come back, and are missed loudly, as those in a bucket."""

from collections.abc import Iterator

import pytest
from backups import Backups
from testinfra.host import Host

MEDIA = "/srv/atlas/media"
KNOWN = "/etc/roost/restic/known_hosts /etc/pgbackrest/known_hosts"


@pytest.fixture(scope="module", autouse=True)
def _by_sftp(host: Host, knows_sftp: bool) -> Iterator[None]:
    """The backups go there, those of databases only if pgBackRest can; then back to the bucket."""
    backups = Backups(host)
    given = {} if knows_sftp else {"backup_repositories": []}
    played = backups.play("sftp.yml", **given)
    assert played.code == 0, played.output
    assert backups.play("sftp.yml", "--check", **given).output.count("changed=0") == 1
    played = backups.on_host("backup")
    assert "offsite: all earlier backups of files are gone; it was begun anew" in played.output
    back_up(backups)
    yield
    played = backups.play("converge.yml")
    assert played.code == 0, played.output


@pytest.fixture(scope="module")
def knows_sftp(host: Host) -> bool:
    return not host.system_info.release.startswith("12")


@pytest.fixture
def databases_by_sftp(backups: Backups) -> Backups:
    """The backups of a host whose pgBackRest knows SFTP."""
    return backups


@pytest.fixture
def older_pgbackrest(backups: Backups) -> Backups:
    """The backups of a host whose pgBackRest doesn't."""
    return backups


def back_up(backups: Backups) -> None:
    """Make all backups."""
    played = backups.on_host("backup")
    assert played.code == 0, played.output


def test_a_pgbackrest_that_does_not_know_it_is_refused(older_pgbackrest: Backups) -> None:
    played = older_pgbackrest.play("sftp.yml")
    assert played.code != 0
    assert "can't back its databases up by SFTP" in " ".join(played.output.split())


def test_only_root_and_postgresql_can_read_the_key(host: Host, knows_sftp: bool) -> None:
    key = host.file("/etc/roost/restic/sftp_key")
    assert (key.user, key.mode) == ("root", 0o600)
    key = host.file("/etc/pgbackrest/sftp_key")
    assert not knows_sftp or (key.user, key.group, key.mode) == ("root", "postgres", 0o640)


def test_files_and_the_project_are_there_encrypted(host: Host, backups: Backups) -> None:
    known = backups.files_state()
    assert (known["reason"], backups.snapshots("offsite")[-1]) == (
        "",
        known["repositories"]["offsite"]["atlas"]["label"],
    )
    assert backups.snapshots("project")
    folders = str(host.check_output("ls /srv/vault/backups/files /srv/vault/backups"))
    assert {"project", host.backend.get_hostname()} <= set(folders.split())
    assert host.run("grep -rl Uploaded /srv/vault/backups").rc == 1


def test_a_deleted_folder_comes_back(host: Host, backups: Backups) -> None:
    host.check_output(f"rm -rf {MEDIA}")
    assert backups.restore_files(**{"from": "offsite"}).code == 0
    assert host.file(f"{MEDIA}/notes/first.txt").content_string == "Uploaded."


def test_the_log_and_the_databases_are_there_and_the_drill_restores_them(databases_by_sftp: Backups, rows: int) -> None:
    assert databases_by_sftp.state()["repositories"]["offsite"]["label"] == databases_by_sftp.newest(2)
    databases_by_sftp.wait_until_archived()
    assert databases_by_sftp.unattended("drill") == 0
    drill = databases_by_sftp.state()["drill"]
    assert (drill["ok"], drill["repository"]) == (True, "offsite")
    assert f"atlas: {rows} rows in its 1 largest tables can be read" in drill["checks"]


def test_back_to_a_moment(databases_by_sftp: Backups, rows: int) -> None:
    moment = databases_by_sftp.now()
    databases_by_sftp.sql("DROP TABLE entry")
    databases_by_sftp.wait_until_archived()
    assert databases_by_sftp.restore(**{"from": "offsite"}, to=moment).code == 0
    assert int(databases_by_sftp.sql("SELECT count(*) FROM entry")) == rows
    assert databases_by_sftp.restore(action="confirm").code == 0


@pytest.mark.parametrize(
    ("spoil", "mend", "problem"),
    [
        ("systemctl stop sftp", "systemctl start sftp", "the server can't be reached"),
        (
            "mv /etc/sftp/authorized_keys /etc/sftp/kept",
            "mv /etc/sftp/kept /etc/sftp/authorized_keys",
            "the server refuses the key: it must know what `roost backup-key` prints",
        ),
        (
            f"sed -i.kept 's/AAAA/AAAB/' $(ls {KNOWN} 2> /dev/null)",
            f"for file in $(ls {KNOWN} 2> /dev/null); do mv $file.kept $file; done",
            "the server has a host key that isn't declared",
        ),
        (
            "chown root /srv/vault/backups/files/*/locks",
            "chown vault /srv/vault/backups/files/*/locks",
            "the account may not write to its path",
        ),
    ],
)
def test_what_is_wrong_with_the_other_host_is_told_in_a_line(
    host: Host, backups: Backups, spoil: str, mend: str, problem: str
) -> None:
    told = len(backups.told("alert"))
    host.check_output(spoil)
    try:
        played = backups.on_host("backup", backup_repositories=[])
    finally:
        host.check_output(mend)
    assert played.code != 0
    assert f"offsite: {problem}" in "".join(backups.told("alert")[told:])


def test_all_is_well_again_once_it_is_mended(backups: Backups) -> None:
    back_up(backups)
    assert backups.files_state()["reason"] == ""
