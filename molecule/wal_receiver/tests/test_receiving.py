"""Commits wait for the receiver as long as it is there, and it keeps what the archive may not have."""

import time

from pair import Pair, until

INSERT = "INSERT INTO beat DEFAULT VALUES"


def test_a_commit_is_on_the_receiver_when_it_returns(pair: Pair) -> None:
    assert pair.state() == {"connected": True, "waits": True, "behind_seconds": 0, "behind_bytes": 0}
    pair.sql("CREATE TABLE IF NOT EXISTS beat (id serial PRIMARY KEY)")
    pair.sql(INSERT)
    flushed = "SELECT flush_lsn >= pg_current_wal_flush_lsn() FROM pg_stat_replication WHERE sync_state = 'sync'"
    assert pair.sql(flushed) == "t"
    metrics = pair.server.file("/var/lib/prometheus/node-exporter/roost_receiver.prom").content_string
    assert "roost_receiver_synchronous 1" in metrics


def test_only_its_own_user_and_root_can_read_what_it_has(pair: Pair) -> None:
    unit = pair.receiver.check_output("ps -o user= -C pg_receivewal").strip()
    assert unit not in {"root", ""}
    assert pair.receiver.file("/var/lib/private/roost-wal-receiver").mode == 0o700
    assert pair.receiver.file("/etc/roost/wal-receiver.env").mode == 0o600
    assert "molecule0receiver0password" not in pair.receiver.check_output("ps -eo args")


def test_a_receiver_that_hangs_holds_a_commit_up_for_ten_seconds_and_no_other(pair: Pair) -> None:
    pair.sql("CREATE TABLE IF NOT EXISTS beat (id serial PRIMARY KEY)")
    pair.receiver.check_output("systemctl kill --signal=STOP roost-wal-receiver")
    try:
        began = time.monotonic()
        pair.sql(INSERT)
        assert 5 < time.monotonic() - began < 25
        began = time.monotonic()
        pair.sql(INSERT)
        assert time.monotonic() - began < 5
        assert not pair.waits()
    finally:
        pair.receiver.check_output("systemctl kill --signal=CONT roost-wal-receiver")
    until(pair.waits)


def test_a_receiver_that_was_killed_is_back_and_waited_for(pair: Pair) -> None:
    pair.receiver.check_output("systemctl kill --signal=KILL roost-wal-receiver")
    until(lambda: pair.receiver.run("systemctl is-active roost-wal-receiver").rc == 0)
    until(pair.waits)


def test_commits_go_on_without_the_program_that_decides(pair: Pair) -> None:
    pair.server.check_output("systemctl stop roost-wal-sender")
    try:
        assert not pair.waits()
    finally:
        pair.server.check_output("systemctl start roost-wal-sender")
    until(pair.waits)


def test_one_that_was_away_for_too_long_begins_anew(pair: Pair) -> None:
    folders = "ls -d /var/lib/private/roost-wal-receiver/*/* | wc -l"
    before = int(pair.receiver.check_output(folders))
    pair.receiver.check_output("systemctl stop roost-wal-receiver")
    pair.server.check_output("systemctl stop roost-wal-sender")
    pair.sql("SELECT pg_drop_replication_slot('roost_receiver')")
    for _ in range(3):
        pair.sql("SELECT pg_switch_wal()")
        pair.sql("SELECT pg_logical_emit_message(true, 'roost', 'x')")
    pair.sql("CHECKPOINT")
    pair.server.check_output("systemctl start roost-wal-sender")
    pair.receiver.check_output("systemctl start roost-wal-receiver")
    until(pair.waits)
    assert int(pair.receiver.check_output(folders)) == before + 1


def test_what_is_archived_goes_and_the_rest_stays(pair: Pair) -> None:
    for _ in range(6):
        pair.sql("SELECT pg_logical_emit_message(true, 'roost', 'x')")
        pair.sql("SELECT pg_switch_wal()")
    last = "SELECT last_archived_wal FROM pg_stat_archiver"
    full = pair.sql("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: pair.sql(last) >= full, 120)
    pair.receiver.check_output("systemctl start roost-wal-receiver-clean")
    archived = int(pair.sql(last), 16)
    # Two are kept by wal_receiver_keep_files, and none is missing after them.
    kept = [int(name.removesuffix(".partial"), 16) for name in pair.received()]
    assert min(kept) == archived - 1
    assert sorted(kept) == list(range(min(kept), max(kept) + 1))
