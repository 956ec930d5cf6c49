"""A database elsewhere, for which the host's own stands here, is dumped with the backups, and missed loudly."""

from typing import Any

import pytest
from backups import Backups
from testinfra.host import Host

FOLDER = "/var/backups/roost/databases"


def alone(password: str) -> dict[str, Any]:
    """What is backed up here: the dumps alone."""
    url = f"postgresql://atlas:{password}@127.0.0.1:5432/atlas?sslmode=require"
    return {
        "backup_repositories": [],
        "backup_databases": [{"name": "borea", "url": url, "dumps": 1}],
        "backup_files": [{"name": "database", "paths": [FOLDER]}],
    }


@pytest.mark.usefixtures("rows")
def test_a_database_elsewhere_is_dumped_and_carried_off(host: Host, backups: Backups) -> None:
    # It is dumped by the owner of its tables.
    backups.sql("ALTER TABLE entry OWNER TO atlas")
    for _ in range(2):
        played = backups.on_host("backup", **alone("atlas-secret"))
        assert played.code == 0, played.output
        assert "atlas-secret" not in played.output
    (dump,) = host.check_output(f"ls {FOLDER}").split()
    assert host.file(FOLDER).mode == 0o700
    assert "TABLE DATA public entry" in host.check_output(f"pg_restore --list {FOLDER}/{dump}")
    for repository in ("local", "offsite"):
        assert dump in backups.restic(repository, "ls --no-lock --tag=database latest")
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_dumps.prom").content_string
    assert "roost_dumps_failed 0" in metrics


def test_a_dump_that_fails_is_told_and_holds_up_no_files(host: Host, backups: Backups) -> None:
    before = set(backups.snapshots("local"))
    kept = host.check_output(f"ls {FOLDER}")
    played = backups.on_host("backup", **alone("wrong"))
    assert played.code != 0
    assert "dump of borea: psql: error: connection to server" in played.output
    assert "password authentication failed" in backups.told("alert")[-1]
    assert len(set(backups.snapshots("local")) - before) == 1
    assert host.check_output(f"ls {FOLDER}") == kept
