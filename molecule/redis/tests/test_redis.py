"""Redis answers with its password only, keeps its data, stays within its memory and its sandbox."""

import re
import shlex
import time
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

CONVERGE = Path(__file__).resolve().parents[1] / "converge.yml"
PASSWORD: str = yaml.safe_load(CONVERGE.read_text())[0]["vars"]["redis_password"]
WORST_EXPOSURE = 1.1


def redis(host: Host, command: str, given: str = PASSWORD) -> str:
    """What redis-cli prints for a command."""
    result = host.run(f"REDISCLI_AUTH={shlex.quote(given)} redis-cli --no-auth-warning {command}")
    return str(result.stdout + result.stderr).strip()


def wait_until_up(host: Host) -> None:
    deadline = time.monotonic() + 30
    while redis(host, "PING") != "PONG":
        assert time.monotonic() < deadline, "Redis did not come back"
        time.sleep(0.5)


def test_password_opens(host: Host) -> None:
    assert redis(host, "PING") == "PONG"


def test_no_password_is_refused(host: Host) -> None:
    assert "NOAUTH" in host.run("redis-cli PING").stdout


def test_wrong_password_is_refused(host: Host) -> None:
    printed = redis(host, "PING", given="guess")
    assert "WRONGPASS" in printed
    assert "PONG" not in printed


def test_other_users_cannot_read_the_password(host: Host) -> None:
    path = "/etc/redis/roost-password.conf"
    assert host.run(f"runuser -u nobody -- cat {path}").rc != 0
    assert host.run(f"runuser -u redis -- cat {path}").rc == 0
    assert "secret" not in host.check_output("ps -eo args")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("maxmemory", str(100 * 1024 * 1024)),
        ("maxmemory-policy", "volatile-lru"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("databases", "20"),
        ("bind", "127.0.0.1"),
        ("protected-mode", "yes"),
    ],
)
def test_setting_is_in_force(host: Host, setting: str, value: str) -> None:
    assert redis(host, f"CONFIG GET {setting}").splitlines() == [setting, value]


def test_memory_limit_spares_tasks_and_evicts_cache(host: Host) -> None:
    redis(host, "SET task precious")
    fill = (
        "for i = 1, 150 do redis.call('SET', 'fill:' .. i, string.rep('x', 1024 * 1024), 'EX', 600) end return 'filled'"
    )
    assert redis(host, f"EVAL {shlex.quote(fill)} 0") == "filled"
    kept = redis(host, "KEYS 'fill:*'").splitlines()
    redis(host, f"DEL {' '.join(kept)}")
    assert 0 < len(kept) < 100
    assert redis(host, "GET task") == "precious"


def test_data_survives_a_kill(host: Host) -> None:
    redis(host, "SET killed survived")
    time.sleep(2.5)
    host.check_output("systemctl kill --signal=KILL redis-server")
    wait_until_up(host)
    assert redis(host, "GET killed") == "survived"


def test_data_survives_a_restart(host: Host) -> None:
    redis(host, "SET restarted survived")
    host.check_output("systemctl restart redis-server")
    wait_until_up(host)
    assert redis(host, "GET restarted") == "survived"


def test_data_of_a_snapshot_is_carried_into_the_append_only_file(host: Host) -> None:
    """As after redis_appendonly went from false to true: a snapshot, and no append-only file."""
    redis(host, "SET carried survived")
    host.check_output("systemctl stop redis-server")
    host.check_output("rm -r /var/lib/redis/appendonlydir && systemctl start redis-server")
    wait_until_up(host)
    assert redis(host, "GET carried") == "survived"
    assert host.run("ls /var/lib/redis/appendonlydir/*.manifest").rc == 0


def test_service_starts_with_the_host(host: Host) -> None:
    assert host.service("redis-server").is_enabled
    assert host.service("redis-server").is_running


def test_unit_is_sandboxed(host: Host) -> None:
    printed = host.check_output("systemd-analyze security --no-pager redis-server")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", printed)
    assert exposure is not None
    assert float(exposure[1]) <= WORST_EXPOSURE
