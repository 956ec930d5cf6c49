"""Backups are made, verified, and missed loudly when they fail."""

import re
import time
from collections.abc import Callable
from typing import Any

from backups import Backups
from testinfra.host import Host

# The playbook on the host starts with more than a second of Python.
AT_WORK_SECONDS = 20
DATABASES_ALONE: dict[str, Any] = {"backup_files": []}


def corrupt(host: Host, file: str, offset: int = 5000) -> None:
    """Flip a bit."""
    program = f"f=open('{file}','r+b');f.seek({offset});b=f.read(1);f.seek({offset});f.write(bytes([b[0]^1]))"
    host.check_output(f'python3 -c "{program}"')


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(1)


def back_up(backups: Backups) -> None:
    """Back the databases up, without the files, which are tested elsewhere."""
    played = backups.on_host("backup", **DATABASES_ALONE)
    assert played.code == 0, played.output


def test_the_first_backup_is_made_at_once(backups: Backups) -> None:
    assert backups.labels(1)[0].endswith("F")
    assert backups.labels(2)[0].endswith("F")


def test_secrets_are_private(host: Host) -> None:
    for path, mode in (
        ("/etc/pgbackrest/pgbackrest.conf", 0o640),
        ("/usr/local/share/roost/playbooks/vars/wiring.yml", 0o600),
    ):
        assert host.file(path).mode == mode
    assert host.run("grep -rl 'open-sesame\\|molecule-secret' /var/log/pgbackrest /var/log/postgresql").rc == 1


def test_cron_backs_up_and_tells_that_all_is_well(host: Host, backups: Backups, rows: int) -> None:
    before = [backups.newest(1), backups.newest(2)]
    assert rows > 0
    assert backups.unattended() == 0
    for key, label in zip((1, 2), before, strict=True):
        assert backups.newest(key) not in {label, ""}
        assert backups.newest(key).endswith("D")
    assert backups.told("heartbeat")
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_backup.prom")
    assert metrics.mode == 0o644
    assert re.search(
        r'^roost_backup_last_success_timestamp_seconds{repository="offsite"} \d{10}',
        metrics.content_string,
        re.MULTILINE,
    )
    assert "roost_backup_failed 0" in metrics.content_string
    listed = host.check_output("pg_restore --list $(ls /var/backups/roost/postgresql/atlas-*.dump | tail -n 1)")
    assert "TABLE public entry" in listed


def test_a_log_that_waits_is_told(host: Host) -> None:
    job = next(line for line in host.file("/etc/cron.d/roost-backup").content_string.splitlines() if "archive" in line)
    host.check_output(job.partition(" root ")[2])
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_archive.prom")
    assert metrics.mode == 0o644
    assert re.search(r"^roost_archive_behind_seconds \d+$", metrics.content_string, re.MULTILINE)


def test_what_is_declared_is_told(host: Host) -> None:
    declared = host.file("/var/lib/prometheus/node-exporter/roost_declared.prom").content_string
    assert 'roost_backup_declared{repository="offsite"} 1' in declared
    assert 'roost_files_declared{repository="offsite",set="atlas"} 1' in declared


def test_cron_starts_them(host: Host) -> None:
    jobs = host.file("/etc/cron.d/roost-backup").content_string
    assert "\n30 2 * * * root /usr/local/lib/roost/unattended backup\n" in jobs
    assert "\n30 4 * * Sun root /usr/local/lib/roost/unattended drill\n" in jobs


def test_a_flipped_bit_is_found_and_another_full_backup_made(host: Host, backups: Backups) -> None:
    alerts = len(backups.told("alert"))
    full = next(label for label in reversed(backups.labels(1)) if label.endswith("F"))
    corrupt(host, f"/var/lib/pgbackrest/backup/main/{full}/bundle/1")
    assert backups.on_host("backup", **DATABASES_ALONE).code != 0
    assert f"local: the backup {full} is broken" in "".join(backups.told("alert")[alerts:])
    good = backups.newest(1)
    assert good.endswith("F")
    assert full in backups.labels(1), "nothing may be removed while something is wrong"
    back_up(backups)
    assert full not in backups.labels(1)
    assert good in backups.labels(1)


def test_an_unreachable_server_is_told_and_does_not_keep_the_log_from_the_other_repository(
    host: Host, backups: Backups
) -> None:
    offsite, alerts = backups.newest(2), len(backups.told("alert"))
    host.check_output("systemctl stop s3")
    try:
        # A file in which there is nothing yet is not switched.
        backups.sql("SELECT pg_create_restore_point('written')")
        written = backups.sql("SELECT pg_walfile_name(pg_switch_wal())")
        played = backups.on_host("backup", **DATABASES_ALONE, backup_repositories=[{"key": 2, "name": "offsite"}])
        assert played.code != 0
        assert "offsite: the server can't be reached" in backups.told("alert")[alerts]
        assert backups.state()["reason"] == "offsite: the server can't be reached"
        wait_until(lambda: host.run(f"find /var/lib/pgbackrest/archive -name '{written}-*' | grep -q .").rc == 0)
        assert host.run(f"ls {backups.data()}/pg_wal/archive_status/{written}.ready").rc == 0
    finally:
        host.check_output("systemctl start s3")
    backups.wait_until_archived()
    back_up(backups)
    assert backups.newest(2) != offsite
    assert backups.state()["reason"] == ""


def test_wrong_credentials_are_told_in_a_line(host: Host, backups: Backups) -> None:
    conf = "/etc/pgbackrest/pgbackrest.conf"
    host.check_output(
        f"cp -p {conf} {conf}.kept && sed -i 's/^repo2-s3-key-secret=.*/repo2-s3-key-secret=wrong/' {conf}"
    )
    try:
        played = backups.on_host("backup", **DATABASES_ALONE)
    finally:
        host.check_output(f"mv {conf}.kept {conf}")
    assert played.code != 0
    assert "offsite: the server refuses the access key" in played.output


def test_two_backups_at_once(host: Host, backups: Backups) -> None:
    host.check_output("systemd-run --quiet --unit=holder flock /run/roost-backup.lock sleep 60; sleep 1")
    try:
        played = backups.on_host("backup", **DATABASES_ALONE)
    finally:
        host.check_output("systemctl stop holder")
    assert played.code != 0
    assert "still at work on this host" in played.output


def test_a_killed_backup_is_repaired_by_the_next_one(host: Host, backups: Backups) -> None:
    host.check_output("systemd-run --quiet --unit=killed /usr/local/lib/roost/unattended backup now")
    deadline = time.monotonic() + AT_WORK_SECONDS
    while host.run("pgrep -f 'pgbackrest.* backup$'").rc != 0:
        assert time.monotonic() < deadline, "no backup began"
    host.check_output("systemctl kill --signal=KILL killed")
    back_up(backups)
    assert backups.state()["broken_in"] == {"local": {}, "offsite": {}}


def test_a_full_disk_fails_and_harms_nothing(host: Host, backups: Backups) -> None:
    before, place = backups.labels(1), "/var/lib/pgbackrest/backup/main"
    host.check_output(f"rm -rf /root/info && mkdir /root/info && cp -p {place}/backup.info* /root/info")
    host.check_output(f"mount -t tmpfs -o size=1m,mode=0750 tmpfs {place} && chown postgres:postgres {place}")
    try:
        host.check_output(f"cp -p /root/info/* {place}")
        played = backups.on_host("backup", **DATABASES_ALONE, backup_kind="full")
    finally:
        host.check_output(f"umount {place}")
    assert played.code != 0
    assert "local: it can't be written to; its disk may be full" in played.output
    assert backups.labels(1) == before
    back_up(backups)


def test_a_damaged_page_of_the_database_is_found(host: Host, backups: Backups, rows: int) -> None:
    assert rows > 0
    backups.sql("CHECKPOINT")
    file = backups.sql("SELECT pg_relation_filepath('entry')")
    kept = "/root/page"
    alerts = len(backups.told("alert"))
    host.check_output(f"systemctl stop {backups.service()} && cp -p {backups.data()}/{file} {kept}")
    corrupt(host, f"{backups.data()}/{file}", 9000)
    host.check_output(f"systemctl start {backups.service()}")
    try:
        assert backups.on_host("backup", **DATABASES_ALONE).code != 0
        assert "pages of the database were damaged" in "".join(backups.told("alert")[alerts:])
    finally:
        host.check_output(f"systemctl stop {backups.service()} && cp -p {kept} {backups.data()}/{file}")
        host.check_output(f"systemctl start {backups.service()}")
    back_up(backups)


def test_a_clock_that_was_ahead_is_told(host: Host, backups: Backups) -> None:
    version = host.check_output("pg_lsclusters --no-header").split()[0]
    environment = f"/etc/postgresql/{version}/main/environment"
    library = host.check_output("ls /usr/lib/*/faketime/libfaketime.so.1")
    host.check_output(f"cp -p {environment} /root/environment")
    host.check_output(f"printf \"LD_PRELOAD = '{library}'\\nFAKETIME = '+3d'\\n\" >> {environment}")
    host.check_output(f"systemctl restart {backups.service()}")
    try:
        backups.pgbackrest(1, "backup --type=diff")
    finally:
        host.check_output(f"cp -p /root/environment {environment} && systemctl restart {backups.service()}")
    ahead, good = backups.newest(1), backups.newest(2)
    played = backups.on_host("backup", **DATABASES_ALONE)
    assert played.code != 0
    assert "set the clock right" in played.output
    assert ahead in backups.labels(1)
    assert backups.newest(2) != good, "the other repository isn't held up"
    played = backups.on_host("backup", **DATABASES_ALONE, backup_clock_is_right=True)
    assert played.code == 0, played.output
    assert ahead not in backups.labels(1)
    back_up(backups)
