"""What the role `base` promises."""

import os
import re
from pathlib import Path

import pytest
import testinfra

SANDBOX = Path(os.environ["ROOST_SANDBOX_DIR"])


@pytest.mark.parametrize("package", ["chrony", "cron", "git", "rsync", "tree", "unattended-upgrades"])
def test_packages_are_installed(host, package):
    assert host.package(package).is_installed


def test_administrator_logs_in_with_the_key_and_becomes_root(host):
    name = host.backend.get_hostname()
    casey = testinfra.get_host(f"ssh://casey@{name}", ssh_config=str(SANDBOX / "ssh_config"))
    assert casey.check_output("sudo --non-interactive id --user") == "0"
    casey.check_output("touch ~/.ssh/known_hosts")
    assert casey.file("/home/casey/.ssh").mode == 0o700


def test_administrator_has_no_password(host):
    assert host.check_output("passwd --status casey").split()[1] == "L"


def test_time_zone_is_one_everywhere(host):
    assert host.check_output("date --date=2026-01-01 +%Z") == "CET"
    if host.file("/etc/timezone").exists:
        assert host.file("/etc/timezone").content_string == "Europe/Berlin\n"


def test_upgrades_come_from_the_security_archive_only(host):
    run = host.run("unattended-upgrade --dry-run --debug 2>&1")
    assert run.rc == 0, run.stdout
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("Allowed origins are:")]
    origins = [origin for origin in line.split(": ", 1)[1].split(", ") if origin.startswith("origin=Debian")]
    codename = host.system_info.codename
    assert origins == [f"origin=Debian,codename={codename}-security,label=Debian-Security"]


def test_upgrades_run_daily(host):
    assert host.service("apt-daily-upgrade.timer").is_enabled
    assert host.service("apt-daily-upgrade.timer").is_running
    settings = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert 'Unattended-Upgrade::Automatic-Reboot "true";' in settings
    assert 'Unattended-Upgrade::Automatic-Reboot-Time "04:30";' in settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("net.ipv4.conf.all.rp_filter", 1),
        ("net.ipv4.conf.eth0.rp_filter", 1),
        ("net.ipv4.conf.eth0.accept_redirects", 0),
        ("net.ipv4.conf.default.send_redirects", 0),
        ("net.ipv6.conf.all.accept_redirects", 0),
        ("net.ipv4.tcp_rfc1337", 1),
    ],
)
def test_network_settings_are_live(host, setting, value):
    assert host.sysctl(setting) == value


def test_journal_is_kept_on_disk_within_its_limit(host):
    assert host.check_output("find /var/log/journal -name system.journal")
    limits = host.check_output("journalctl --unit systemd-journald --boot --output cat --grep /var/log/journal")
    assert re.search(r"max 200(\.0)?M", limits.splitlines()[-1])


def test_private_authority_is_trusted(host):
    certificate = "/usr/local/share/ca-certificates/roost-test-authority.crt"
    assert host.run(f"openssl verify -CApath /etc/ssl/certs {certificate}").rc == 0
    assert host.run(f"openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt {certificate}").rc == 0


def test_swap_units_are_valid_and_leave_a_container_alone(host):
    units = "/etc/systemd/system/swapfile.swap /etc/systemd/system/roost-swapfile.service"
    run = host.run(f"systemd-analyze verify {units}")
    assert (run.rc, run.stderr) == (0, "")
    assert not host.file("/swapfile").exists
    assert host.check_output("systemctl list-dependencies --plain swap.target").split().count("swapfile.swap") == 1


def test_swap_file_is_a_private_swap_area(host):
    unit = host.file("/etc/systemd/system/roost-swapfile.service").content_string
    host.check_output(re.search("^ExecStart=(.+)$", unit, re.MULTILINE)[1])
    try:
        host.check_output("swaplabel /swapfile")
        file = host.file("/swapfile")
        assert (file.mode, file.size) == (0o600, 1024 * 2**20)
        assert not host.file("/swapfile.new").exists
    finally:
        host.check_output("rm -f /swapfile /swapfile.new")


def test_no_unit_failed(host):
    assert host.check_output("systemctl list-units --failed --plain --no-legend") == ""
