"""Commits wait for who receives the log and for nobody else, and nothing is left when nobody shall."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
SLOT = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'roost_receiver'"
WAITS = "SELECT current_setting('synchronous_standby_names') <> ''"
RECEIVE = (
    "systemd-run --unit=receiver --collect --uid=postgres --setenv=PGPASSWORD=molecule0receiver0password "
    "--setenv=PGAPPNAME=roost_receiver --property=StateDirectory=receiver /usr/lib/postgresql/*/bin/pg_receivewal "
    "--directory=/var/lib/receiver --slot=roost_receiver --synchronous --host=127.0.0.1 --username=roost_receiver"
)


def sql(host: Host, text: str) -> str:
    quoted = text.replace("'", "'\\''")
    return str(host.check_output(f"cd / && runuser -u postgres -- psql -XAtqc '{quoted}'")).strip()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def receiver(host: Host) -> Iterator[None]:
    host.check_output(RECEIVE)
    yield
    host.run("systemctl stop receiver")


def test_without_a_receiver_no_commit_waits_and_little_is_kept(host: Host) -> None:
    until(lambda: sql(host, SLOT) == "reserved")
    assert sql(host, WAITS) == "f"
    assert sql(host, "SHOW max_slot_wal_keep_size") == "64MB"
    assert host.service("roost-wal-sender").is_running
    assert host.service("roost-wal-sender").is_enabled


@pytest.mark.usefixtures("receiver")
def test_a_receiver_is_waited_for_from_when_it_is_seen_until_it_goes(host: Host) -> None:
    until(lambda: sql(host, WAITS) == "t")
    host.check_output("systemctl stop receiver")
    began = time.monotonic()
    until(lambda: sql(host, WAITS) == "f")
    assert time.monotonic() - began > 5


@pytest.mark.usefixtures("receiver")
def test_a_restart_of_the_server_forgets_nobody(host: Host) -> None:
    until(lambda: sql(host, WAITS) == "t")
    host.check_output("systemctl restart 'postgresql@*'")
    assert sql(host, WAITS) == "t"
    until(lambda: sql(host, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1")


@pytest.mark.usefixtures("receiver")
def test_no_backup_has_the_setting(host: Host) -> None:
    until(lambda: sql(host, WAITS) == "t")
    data = sql(host, "SHOW data_directory")
    assert host.run(f"grep synchronous_standby_names {data}/postgresql.auto.conf").rc != 0


def test_a_slot_that_could_keep_no_more_begins_anew(host: Host) -> None:
    for _ in range(12):
        sql(host, "SELECT pg_logical_emit_message(true, 'roost', repeat('x', 1000000))")
        sql(host, "SELECT pg_switch_wal()")
    sql(host, "CHECKPOINT")
    until(lambda: sql(host, SLOT) == "reserved")


def test_nothing_is_left_when_nobody_shall_receive_it(host: Host) -> None:
    command = ["ansible-playbook", "--limit", host.backend.get_hostname()]
    command += [f"--inventory={os.environ['ROOST_SANDBOX_DIR']}/inventory"]
    retired = subprocess.run([*command, str(SCENARIO / "retire.yml")], capture_output=True, text=True, check=False)
    assert retired.returncode == 0, retired.stdout
    assert sql(host, SLOT) == ""
    assert sql(host, WAITS) == "f"
    assert sql(host, "SHOW max_slot_wal_keep_size") == "-1"
    assert not host.service("roost-wal-sender").is_running
    assert "roost" not in host.check_output("systemctl list-units --failed --plain --no-legend")
    assert not host.file("/usr/local/lib/roost/wal-sender").exists
    again = subprocess.run([*command, str(SCENARIO / "converge.yml")], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stdout
