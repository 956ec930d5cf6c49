"""What was backed up comes back: to a moment, from off-site alone, in part; and a restore that fails loses nothing."""

import time

from backups import Backups
from testinfra.host import Host

KEPT = "{}.before-*"
SCRATCH_CLUSTER = "[p]ostgres -D .*/roost-scratch"


def test_the_drill_restores_from_off_site_and_measures(host: Host, backups: Backups, rows: int) -> None:
    backups.wait_until_archived()
    assert backups.unattended("drill") == 0
    drill = backups.state()["drill"]
    assert (drill["ok"], drill["repository"]) == (True, "offsite")
    # PostgreSQL's own statistics commit, too, and the log of it is archived after ten seconds.
    assert drill["rpo_seconds"] <= 15
    assert 0 < drill["rto_seconds"] < 120
    assert f"atlas: {rows} rows in its 1 largest tables can be read" in drill["checks"]
    assert "atlas: SELECT true" in drill["checks"]
    assert "roost_backup_drill_ok 1" in host.file("/var/lib/prometheus/node-exporter/roost_backup.prom").content_string
    assert host.run(f"ls -d {backups.data()}/../roost-scratch").rc != 0


def test_a_drill_whose_assertion_fails_alerts(backups: Backups) -> None:
    alerts = len(backups.told("alert"))
    wrong = [{"database": "atlas", "sql": ["SELECT count(*) < 0 FROM entry"]}]
    assert backups.on_host("drill", backup_assertions=wrong).code != 0
    assert "says f instead of true" in "".join(backups.told("alert")[alerts:])
    assert backups.state()["drill"]["ok"] is False


def kill_drill(host: Host, while_there_is: str) -> None:
    """Kill a drill and all that it has started itself, once there is a process with this command line."""
    host.check_output("systemd-run --quiet --collect --unit=killed-drill /usr/local/lib/roost/unattended drill now")
    deadline = time.monotonic() + 60
    while host.run(f"pgrep -f '{while_there_is}'").rc != 0:
        assert time.monotonic() < deadline, "no drill began"
    host.check_output("systemctl kill --signal=KILL killed-drill")


def test_what_killed_drills_leave_is_removed(host: Host, backups: Backups, rows: int) -> None:
    # The second one is in the way of what the first one left.
    kill_drill(host, "[p]gbackrest.* restore$")
    kill_drill(host, SCRATCH_CLUSTER)
    assert host.run(f"ls -d {backups.data()}/../roost-scratch").rc == 0
    played = backups.on_host("backup", backup_files=[])
    assert played.code == 0, played.output
    assert host.run(f"ls -d {backups.data()}/../roost-scratch").rc != 0
    assert host.run(f"pgrep -f '{SCRATCH_CLUSTER}'").rc != 0
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
    assert backups.unattended("drill") == 0


def test_a_restore_tells_what_it_would_lose_and_does_nothing_unasked(backups: Backups, rows: int) -> None:
    moment = backups.now()
    backups.sql("INSERT INTO entry (text) VALUES ('late')")
    played = backups.operate("restore", "--check", backup_restore_to=moment)
    assert played.code == 0
    assert "What was committed from" in played.output
    played = backups.operate("restore", backup_restore_to=moment)
    assert played.code != 0
    assert "Nothing was done: agree with" in played.output
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows + 1


def test_back_to_a_backup_and_nothing_later(backups: Backups, rows: int) -> None:
    assert backups.unattended() == 0
    backups.sql("INSERT INTO entry (text) VALUES ('late')")
    backups.wait_until_archived()
    assert backups.restore(label=backups.newest(2)).code == 0
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
    assert backups.restore(action="confirm").code == 0


def test_back_to_a_moment_and_forth_again(host: Host, backups: Backups, rows: int) -> None:
    moment = backups.now()
    backups.sql("DROP TABLE entry")
    backups.wait_until_archived()
    assert backups.restore(to=moment).code == 0
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
    assert backups.restore(action="undo").code == 0
    assert backups.sql("SELECT to_regclass('entry')") == ""
    assert backups.restore(action="undo").code == 0
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
    assert backups.restore(action="confirm").code == 0
    assert host.run(f"ls -d {KEPT.format(backups.data())}").rc != 0


def test_a_lost_server_comes_back_from_off_site_alone(host: Host, backups: Backups, rows: int) -> None:
    backups.wait_until_archived()
    version = host.check_output("pg_lsclusters --no-header").split()[0]
    host.check_output(f"systemctl kill --signal=KILL {backups.service()}; systemctl stop {backups.service()}")
    host.check_output(
        f"pg_dropcluster {version} main && rm -rf /var/lib/pgbackrest/* /var/lib/roost/config_tree/postgresql"
    )
    host.check_output(f"rm -rf /var/lib/roost/backup && pg_createcluster --start {version} main")
    played = backups.play("converge.yml")
    assert played.code == 0, played.output
    assert "offsite holds backups of another cluster" in played.output
    assert backups.restore(**{"from": "offsite"}).code == 0
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
    assert backups.restore(action="confirm").code == 0
    assert backups.play("converge.yml").code == 0
    assert backups.unattended() == 0
    assert backups.labels(1)


def test_a_database_and_a_table_beside_the_present_ones(backups: Backups, rows: int) -> None:
    moment = backups.now()
    backups.sql("DELETE FROM entry")
    backups.wait_until_archived()
    assert backups.restore(to=moment, database="atlas", into="atlas_before").code == 0
    assert backups.sql("SELECT count(*) FROM entry") == "0"
    assert int(backups.sql("SELECT count(*) FROM entry", "atlas_before")) == rows
    played = backups.restore(to=moment, database="atlas", into="atlas_before", table="entry")
    assert played.code != 0
    assert "there is a database atlas_before already" in played.output
    backups.sql("DROP DATABASE atlas_before", "postgres")


def test_a_moment_that_has_not_come_is_refused(backups: Backups) -> None:
    played = backups.restore(to="2099-01-01 00:00:00+00")
    assert played.code != 0
    assert "is in the future" in played.output


def test_a_restore_that_fails_loses_nothing(host: Host, backups: Backups, rows: int) -> None:
    label = next(label for label in reversed(backups.labels(1)) if label.endswith("F"))
    file = f"/var/lib/pgbackrest/backup/main/{label}/bundle/1"
    host.check_output(f"cp -p {file} /root/good && truncate --size=4k {file}")
    played = backups.restore(label=label)
    host.check_output(f"cp -p /root/good {file}")
    assert played.code != 0
    assert "What was there before is back." in played.output
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows


def test_a_restore_that_is_killed_loses_nothing(host: Host, backups: Backups, rows: int) -> None:
    process = backups.start("restore", backup_restore_confirmed=True)
    deadline = time.monotonic() + 60
    while host.run("test -e /var/lib/roost/backup/restore.json").rc != 0:
        assert time.monotonic() < deadline, "no restore began"
    at_work = "lslocks --noheadings --output PID,PATH | awk '/roost-backup.lock/ {print $1}'"
    host.check_output(f"kill -KILL $({at_work}); pkill -KILL -f 'pgbackrest.* restore$'; true")
    process.wait(60)
    played = backups.restore(action="confirm")
    assert "A restore that was interrupted has been undone before" in played.output
    assert int(backups.sql("SELECT count(*) FROM entry")) == rows
