"""What the role `ssh` promises."""

import os
import subprocess
from pathlib import Path

import pytest

SSH_CONFIG = str(Path(os.environ["ROOST_SANDBOX_DIR"]) / "ssh_config")


@pytest.mark.parametrize(
    "line",
    [
        "port 22",
        "permitrootlogin without-password",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "x11forwarding no",
        "allowagentforwarding no",
        "allowtcpforwarding local",
        "maxauthtries 4",
        "logingracetime 30",
    ],
)
def test_setting_is_in_force(host, line):
    assert line in host.check_output("$(command -v sshd) -T").splitlines()


def test_algorithms_pass_the_audit(host):
    release = host.system_info.release.split(".")[0]
    audit = host.run(f"ssh-audit --no-colors --policy=/etc/ssh-audit/debian-{release}.txt localhost")
    assert "Passed" in audit.stdout, audit.stdout + audit.stderr
    assert audit.rc == 0


def test_weak_groups_are_not_offered(host):
    sizes = host.check_output("awk '!/^#/ {print $5}' /etc/ssh/moduli-3072 | sort --numeric-sort --unique").split()
    assert int(sizes[0]) >= 3071
    assert "modulifile /etc/ssh/moduli-3072" in host.check_output("$(command -v sshd) -T")


def test_passwords_are_refused(host):
    options = ["-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", "-o", "ControlPath=none"]
    run = subprocess.run(
        ["ssh", "-F", SSH_CONFIG, *options, host.backend.get_hostname(), "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 255
    assert "Permission denied (publickey)." in run.stderr


def test_sshd_starts_at_boot(host):
    assert host.service("ssh").is_enabled
    assert host.service("ssh").is_running


def test_nothing_waits_to_revert(host):
    assert "roost" not in host.check_output("systemctl list-timers --all --no-legend")
