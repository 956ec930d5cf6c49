"""The database server is lost amid commits: a restore brings back each of them that was acknowledged."""

from pair import Pair, until

CLIENT = """
import subprocess
psql = subprocess.Popen(["runuser", "-u", "postgres", "--", "psql", "-XAtq"], cwd="/", text=True,
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
with open("/root/acknowledged", "w") as acknowledged:
    for number in range(1, 1000000):
        psql.stdin.write(f"INSERT INTO entry VALUES ({number}) RETURNING id;\\n")
        psql.stdin.flush()
        line = psql.stdout.readline()
        if not line:
            break
        acknowledged.write(line)
        acknowledged.flush()
"""


def test_the_loss_of_the_server_loses_no_commit(pair: Pair) -> None:
    pair.sql("DROP TABLE IF EXISTS entry")
    pair.sql("CREATE TABLE entry (id int PRIMARY KEY)")
    pair.server.check_output("cat >/root/client.py <<'EOF'\n" + CLIENT + "EOF")
    pair.server.check_output("systemd-run --unit=client python3 /root/client.py")
    until(lambda: pair.server.run("test $(wc -l </root/acknowledged) -gt 300").rc == 0)
    data = pair.sql("SHOW data_directory")
    service = f"postgresql@{data.split('/')[-2]}-main"
    timeline = pair.timeline()
    # Before the program that decides could let commits go on without the receiver.
    pair.server.check_output(f"systemctl kill --signal=KILL {service}; rm -rf {data}; systemctl stop {service}")
    until(lambda: pair.server.run("systemctl is-active client").rc != 0)
    acknowledged = int(pair.server.check_output("tail -n 1 /root/acknowledged"))
    assert acknowledged > 300

    planned = pair.play("restore.yml", "--check")
    assert planned.returncode == 0, planned.stdout
    assert "What was committed after the last archived WAL comes from the receiver" in planned.stdout
    played = pair.play("restore.yml", backup_restore_confirmed=True)
    assert played.returncode == 0, played.stdout

    restored = pair.sql("SELECT id FROM entry ORDER BY id").splitlines()
    assert restored[:acknowledged] == [str(number) for number in range(1, acknowledged + 1)]
    assert pair.server.run("ls /var/lib/roost/backup/received.tar.gz").rc != 0
    until(pair.waits)
    # The restored cluster is a new timeline, and archives what only the receiver had.
    assert pair.timeline() == timeline + 1
    assert pair.play("restore.yml", backup_restore_action="confirm", backup_restore_confirmed=True).returncode == 0


def test_without_what_it_should_have_nothing_is_restored_unless_asked(pair: Pair) -> None:
    data = pair.sql("SHOW data_directory")
    service = f"postgresql@{data.split('/')[-2]}-main"
    pair.receiver.check_output("systemctl stop roost-wal-receiver; mv /var/lib/private/roost-wal-receiver/7* /root/")
    pair.server.check_output(f"systemctl stop {service}")
    try:
        played = pair.play("restore.yml", backup_restore_confirmed=True)
        assert played.returncode != 0
        assert "it has received nothing of this cluster" in played.stdout.replace("\n", " ")
    finally:
        pair.receiver.check_output(
            "mv /root/7* /var/lib/private/roost-wal-receiver/; systemctl start roost-wal-receiver"
        )
        pair.server.check_output(f"systemctl start {service}")
