"""The alerts for Prometheus, asked by its own promtool: each trouble raises its own and no other."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.roost_backup import state as backup_state
from ansible.module_utils.roost_files import project
from ansible.module_utils.roost_files import state as files_state

from roost.sandbox.packages import require_command
from tests.support.project import REPOSITORY
from tests.support.rendering import render_role
from tests.unit.environments import GOOD_STACK

RULES = REPOSITORY / "monitoring/alerts/roost.rules.yml"
ARCHIVE_METRICS = REPOSITORY / "roles/backup/templates/usr/local/lib/roost/archive-metrics"
FOLDER = "/var/lib/prometheus/node-exporter"

# Ten days of samples, two a day; time begins at 0.
DAYS, STEPS, HALF_A_DAY, DAY = 10, 20, 43200, 86400


def always(value: int) -> str:
    return f"{value}+0x{STEPS}"


def from_now(seconds: int) -> str:
    """A moment that moves with the time."""
    return f"{seconds}+{HALF_A_DAY}x{STEPS}"


NEVER = f"_x{STEPS}"
ONE, ZERO, LONG_AGO = always(1), always(0), always(0)
OFFSITE, UPLOADS = '{repository="offsite"}', '{repository="offsite",set="atlas"}'
CERTIFICATE = '{name="atlas"}'
# As bad as it may be.
WELL = {
    f"roost_backup_declared{OFFSITE}": ONE,
    f"roost_backup_last_success_timestamp_seconds{OFFSITE}": from_now(-25 * 3600),
    "roost_backup_failed": ZERO,
    "roost_backup_broken": ZERO,
    "roost_backup_drill_declared": ONE,
    "roost_backup_drill_timestamp_seconds": from_now(-7 * DAY),
    "roost_backup_drill_ok": ONE,
    "roost_archive_behind_seconds": always(900),
    f"roost_files_declared{UPLOADS}": ONE,
    f"roost_files_last_success_timestamp_seconds{UPLOADS}": from_now(-25 * 3600),
    "roost_files_failed": ZERO,
    "roost_project_declared": ONE,
    "roost_project_last_success_timestamp_seconds": from_now(-25 * 3600),
    f"roost_certificate_expiry_timestamp_seconds{CERTIFICATE}": from_now(15 * DAY),
    f"roost_certificate_lifetime_seconds{CERTIFICATE}": always(90 * DAY),
    f"roost_certificate_self_signed{CERTIFICATE}": ZERO,
    f"roost_certificate_outdated{CERTIFICATE}": ZERO,
    f'node_textfile_mtime_seconds{{file="{FOLDER}/roost_archive.prom"}}': from_now(-1500),
    f'node_textfile_mtime_seconds{{file="{FOLDER}/roost_certificates.prom"}}': from_now(-1500),
    "node_textfile_scrape_error": ZERO,
}


@dataclass(frozen=True)
class Trouble:
    """What differs from a host that is well, and what the alert says; `labels` are those beside the host's."""

    alert: str
    differs: dict[str, str]
    summary: str
    labels: dict[str, str] = field(default_factory=dict)


IN_OFFSITE, OF_UPLOADS = {"repository": "offsite"}, {"repository": "offsite", "set": "atlas"}
OF_CERTIFICATE = {"name": "atlas"}
OLD = "10d 0h 0m 0s"
TROUBLES = (
    Trouble("RoostBackupFailed", {"roost_backup_failed": ONE}, "vm1: the last backup of the databases failed"),
    Trouble(
        "RoostBackupLate",
        {f"roost_backup_last_success_timestamp_seconds{OFFSITE}": LONG_AGO},
        f"vm1: the last good backup in offsite is {OLD} old",
        IN_OFFSITE,
    ),
    Trouble(
        "RoostBackupMissing",
        {f"roost_backup_last_success_timestamp_seconds{OFFSITE}": NEVER},
        "vm1: there is no backup of the databases in offsite",
        IN_OFFSITE,
    ),
    Trouble("RoostBackupBroken", {"roost_backup_broken": ONE}, "vm1: backups that can't be restored: 1"),
    Trouble(
        "RoostArchiveBehind",
        {"roost_archive_behind_seconds": always(901)},
        "vm1: PostgreSQL's log has waited for 15m 1s to be archived",
    ),
    Trouble(
        "RoostArchiveUnwatched",
        {f'node_textfile_mtime_seconds{{file="{FOLDER}/roost_archive.prom"}}': LONG_AGO},
        f"vm1: nobody has looked for {OLD} whether PostgreSQL's log is archived",
        {"file": f"{FOLDER}/roost_archive.prom"},
    ),
    Trouble(
        "RoostArchiveUnknown",
        {"roost_archive_behind_seconds": NEVER},
        "vm1: nobody looks whether PostgreSQL's log is archived",
    ),
    Trouble("RoostDrillFailed", {"roost_backup_drill_ok": ZERO}, "vm1: the last restore drill failed"),
    Trouble(
        "RoostDrillLate",
        {"roost_backup_drill_timestamp_seconds": LONG_AGO},
        f"vm1: the last restore drill was {OLD} ago",
    ),
    Trouble("RoostDrillMissing", {"roost_backup_drill_timestamp_seconds": NEVER}, "vm1: no restore drill has run"),
    Trouble("RoostFilesFailed", {"roost_files_failed": ONE}, "vm1: the last backup of files failed, or found damage"),
    Trouble(
        "RoostFilesLate",
        {f"roost_files_last_success_timestamp_seconds{UPLOADS}": LONG_AGO},
        f"vm1: the last good backup of the files of atlas in offsite is {OLD} old",
        OF_UPLOADS,
    ),
    Trouble(
        "RoostFilesMissing",
        {f"roost_files_last_success_timestamp_seconds{UPLOADS}": NEVER},
        "vm1: there is no backup of the files of atlas in offsite",
        OF_UPLOADS,
    ),
    Trouble(
        "RoostProjectLate",
        {"roost_project_last_success_timestamp_seconds": LONG_AGO},
        f"vm1: the last copy of the project off-site is {OLD} old",
    ),
    Trouble(
        "RoostProjectMissing",
        {"roost_project_last_success_timestamp_seconds": NEVER},
        "vm1: there is no copy of the project off-site",
    ),
    Trouble(
        "RoostCertificateEnds",
        {f"roost_certificate_expiry_timestamp_seconds{CERTIFICATE}": from_now(13 * DAY)},
        "vm1: the certificate of atlas ends in 13d 0h 0m 0s",
        OF_CERTIFICATE,
    ),
    Trouble(
        "RoostCertificateNotIssued",
        {f"roost_certificate_self_signed{CERTIFICATE}": ONE},
        "vm1: the certificate of atlas is self-signed: no authority has issued one",
        OF_CERTIFICATE,
    ),
    Trouble(
        "RoostCertificateNotServed",
        {f"roost_certificate_outdated{CERTIFICATE}": ONE},
        "vm1: nginx serves another certificate than the newest of atlas",
        OF_CERTIFICATE,
    ),
    Trouble(
        "RoostCertificatesUnwatched",
        {f'node_textfile_mtime_seconds{{file="{FOLDER}/roost_certificates.prom"}}': LONG_AGO},
        f"vm1: nobody has looked after the certificates for {OLD}",
        {"file": f"{FOLDER}/roost_certificates.prom"},
    ),
    Trouble(
        "RoostMetricsUnreadable",
        {"node_textfile_scrape_error": ONE},
        "vm1: the node exporter can't read its text files",
    ),
)
# Left over on a host that no longer backs databases up.
LEFT_OVER = {
    f"roost_backup_declared{OFFSITE}": NEVER,
    "roost_backup_drill_declared": NEVER,
    f"roost_backup_last_success_timestamp_seconds{OFFSITE}": LONG_AGO,
    "roost_backup_failed": ONE,
    "roost_backup_broken": ONE,
    "roost_backup_drill_timestamp_seconds": LONG_AGO,
    "roost_backup_drill_ok": ZERO,
    "roost_archive_behind_seconds": always(901),
    f'node_textfile_mtime_seconds{{file="{FOLDER}/roost_archive.prom"}}': LONG_AGO,
}
# Whatever else is so, nothing is wrong.
FINE = {
    "all is well": {},
    "no drill is declared": {
        "roost_backup_drill_declared": NEVER,
        "roost_backup_drill_timestamp_seconds": LONG_AGO,
    },
    "a host without databases": {name: NEVER for name in WELL if "backup" in name or "archive" in name},
    "databases were backed up once": LEFT_OVER,
    "the project was copied once": {
        "roost_project_declared": NEVER,
        "roost_project_last_success_timestamp_seconds": LONG_AGO,
    },
    "files were backed up once": {
        f"roost_files_declared{UPLOADS}": NEVER,
        f"roost_files_last_success_timestamp_seconds{UPLOADS}": LONG_AGO,
        "roost_files_failed": ONE,
    },
    "a certificate of a week with three days left": {
        f"roost_certificate_expiry_timestamp_seconds{CERTIFICATE}": from_now(3 * DAY),
        f"roost_certificate_lifetime_seconds{CERTIFICATE}": always(7 * DAY),
    },
}


@pytest.fixture(scope="module")
def promtool() -> str:
    return require_command("promtool", "prometheus", print)


@pytest.fixture(scope="module")
def rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def series(differs: dict[str, str]) -> list[dict[str, str]]:
    """What the exporter of a host tells, as promtool wants it."""
    told = WELL | differs
    return [{"series": of_host(name), "values": values} for name, values in told.items() if values != NEVER]


def of_host(name: str) -> str:
    metric, _, labels = name.partition("{")
    return f"{metric}{{{','.join(filter(None, ['instance="vm1"', labels.rstrip('}')]))}}}"


def expect(
    rules: dict[str, dict[str, Any]], told: list[dict[str, str]], raised: dict[str, tuple[str, dict[str, str]]]
) -> dict[str, Any]:
    """A test for promtool: `raised` maps the alerts that are to fire to their summaries and labels."""

    def alerts(name: str) -> list[dict[str, Any]]:
        if name not in raised:
            return []
        summary, labels = raised[name]
        annotations = {"summary": summary, "description": rules[name]["annotations"]["description"]}
        return [{"exp_labels": rules[name]["labels"] | labels, "exp_annotations": annotations}]

    return {
        "interval": "12h",
        "input_series": told,
        "alert_rule_test": [{"eval_time": f"{DAYS}d", "alertname": name, "exp_alerts": alerts(name)} for name in rules],
    }


def ask(promtool: str, folder: Path, *tests: dict[str, Any]) -> None:
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "12h", "tests": list(tests)}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_understands_them(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_trouble_raises_its_alert_and_no_other(
    promtool: str, rules: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    tests = [
        expect(rules, series(one.differs), {one.alert: (one.summary, {"instance": "vm1"} | one.labels)})
        for one in TROUBLES
    ]
    nobody = expect(rules, [], {"RoostMetricsMissing": ("No host tells how it stands with its backups", {})})
    ask(promtool, tmp_path, *tests, nobody)
    assert {one.alert for one in TROUBLES} | {"RoostMetricsMissing"} == set(rules)


@pytest.mark.parametrize("differs", FINE.values(), ids=FINE.keys())
def test_where_all_is_well_there_is_silence(
    promtool: str, rules: dict[str, dict[str, Any]], tmp_path: Path, differs: dict[str, str]
) -> None:
    ask(promtool, tmp_path, expect(rules, series(differs), {}))


def test_each_says_what_to_do(rules: dict[str, dict[str, Any]]) -> None:
    for name, rule in rules.items():
        assert " -e ENV" in rule["annotations"]["description"], name


# --- what they are about --------------------------------------------------------------------------------------


def archive_metrics(data: Path, metrics: Path) -> str:
    subprocess.run([ARCHIVE_METRICS, data, metrics], check=True, capture_output=True)
    return metrics.read_text()


def declared() -> str:
    """What the role writes of what is declared."""
    name = f"{FOLDER.removeprefix('/')}/roost_declared.prom"
    offsite = {"s3": {"endpoint": "s3.example.com", "bucket": "atlas"}}
    stack = yaml.safe_load(GOOD_STACK)["stack"] | {"backups": {"offsite": offsite}}
    trees = render_role("backup", stack, "debian13")
    return next(content for tree in trees for file, content in tree.files if file.path == name).decode()


def test_each_metric_is_written_by_somebody(promtool: str, rules: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "pg_wal/archive_status").mkdir(parents=True)
    drill = {"ended": 1, "ok": True, "rpo_seconds": 0, "rto_seconds": 1}
    texts = [
        declared(),
        archive_metrics(tmp_path, tmp_path / "roost_archive.prom"),
        backup_state.metrics_of(backup_state.State(drill=drill)),
        files_state.metrics_of(files_state.State()),
        project.metrics_of(project.LastCopy()),
    ]
    for text in texts:
        subprocess.run([promtool, "check", "metrics"], input=text, text=True, check=True, capture_output=True)
    written = set(re.findall(r"^# TYPE (\w+)", "\n".join(texts), re.MULTILINE))
    certificates = (REPOSITORY / "roles/certbot/templates/usr/local/lib/roost/tls-refresh").read_text()
    written |= {f"roost_certificate_{name}" for name in re.findall(r'^        \("(\w+)", ', certificates, re.MULTILINE)}
    used = {name for rule in rules.values() for name in re.findall(r"\broost_[a-z_]+\b(?![(\[])", rule["expr"])}
    assert used == used & written


def test_what_is_declared_is_told() -> None:
    told = [line for line in declared().splitlines() if not line.startswith("#")]
    assert 'roost_backup_declared{repository="local"} 1' in told
    assert "roost_backup_drill_declared 1" in told
    assert "roost_project_declared 1" in told
    assert 'roost_files_declared{repository="local",set="roost"} 1' in told


def test_the_log_that_waits_is_measured(tmp_path: Path) -> None:
    status, metrics = tmp_path / "pg_wal/archive_status", tmp_path / "folder/roost_archive.prom"
    status.mkdir(parents=True)
    (status / "000000010000000000000001.done").touch()
    told = archive_metrics(tmp_path, metrics)
    assert "\nroost_archive_waiting_files 0\n" in told
    assert "\nroost_archive_behind_seconds 0\n" in told
    for number in (2, 3):
        (status / f"00000001000000000000000{number}.ready").touch()
    os.utime(status / "000000010000000000000002.ready", (0, 1_000_000_000.9))
    told = archive_metrics(tmp_path, metrics)
    assert "\nroost_archive_waiting_files 2\n" in told
    behind = re.search(r"^roost_archive_behind_seconds (\d+)$", told, re.MULTILINE)
    assert behind is not None
    assert int(behind[1]) > 700_000_000
    assert (metrics.stat().st_mode & 0o777, list(metrics.parent.iterdir())) == (0o644, [metrics])


def test_of_a_cluster_that_is_not_there_nothing_is_told(tmp_path: Path) -> None:
    metrics = tmp_path / "roost_archive.prom"
    assert subprocess.run([ARCHIVE_METRICS, tmp_path, metrics], check=False, capture_output=True).returncode
    assert not metrics.exists()
