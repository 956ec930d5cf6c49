"""The slot of before a deploy is kept warm, out of traffic and not at boot, until its time is over."""

import subprocess
from pathlib import Path

from deploying import Load, get, has_ended, live_slot, new_version, other
from testinfra.host import Host

from tests.support.scenario import play, succeed

# Connects to a slot that has left traffic, and says nothing, until the other end closes.
HOLD = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)"


def deploy_warm(host: Host, source: Path) -> tuple[str, str]:
    """Deploy a new version; return the slot that is kept warm, and its process."""
    slot = live_slot(host)
    run = play(host, "deploy.yml", site_source=str(new_version(source)), app_deploy=["site"], site_warm_minutes=5)
    assert succeed(run) == 3
    assert live_slot(host) == other(slot)
    return slot, process_of(host, slot)


def roll_back(host: Host) -> subprocess.CompletedProcess[str]:
    return play(host, "rollback.yml", app_rollback=["site"])


def process_of(host: Host, slot: str) -> str:
    return host.check_output(f"systemctl show --property=MainPID --value site@{slot}.service")


def keep(host: Host, slot: str, seconds: int, drain: int) -> None:
    """Let another keeper take the place of the one that the deploy began."""
    unit = f"roost-warm-site-{slot}"
    host.check_output(f"systemctl stop {unit}")
    host.check_output(
        f"systemd-run --quiet --collect --unit={unit} /usr/local/lib/roost/keep-warm site {slot} {seconds} {drain}"
    )


def test_a_rollback_takes_up_the_process_of_before_without_a_failed_request(host: Host, source: Path) -> None:
    before = get(host)["release"]
    with Load(host) as load:
        warm, process = deploy_warm(host, source)
        assert host.run(f"systemctl is-enabled site@{warm}.service").stdout.strip() == "disabled"
        assert get(host, socket=f"/run/site/{warm}.sock")["release"] == before
        assert succeed(play(host, "converge.yml")) == 0
        assert process_of(host, warm) == process
        assert succeed(roll_back(host)) == 1
    assert (live_slot(host), process_of(host, warm)) == (warm, process)
    assert get(host)["release"] == before
    assert load.bad == 0, load.errors
    assert has_ended(host, other(warm))
    assert host.check_output(f"systemctl is-enabled site@{warm}.service") == "enabled"
    assert host.check_output("systemctl is-system-running") == "running"


def test_it_is_stopped_when_its_time_is_over_and_a_rollback_starts_it_anew(host: Host, source: Path) -> None:
    before = get(host)["release"]
    warm, process = deploy_warm(host, source)
    keep(host, warm, seconds=1, drain=0)
    assert has_ended(host, warm)
    assert succeed(roll_back(host)) == 1
    assert get(host)["release"] == before
    assert process_of(host, live_slot(host)) != process


def test_what_is_connected_to_it_must_go_in_time_but_it_stays_warm(host: Host, source: Path) -> None:
    before = get(host)["release"]
    warm, process = deploy_warm(host, source)
    keep(host, warm, seconds=60, drain=5)
    ended = host.run(f"timeout 60 runuser -u www-data -- python3 -c '{HOLD}' /run/site/{warm}.sock")
    assert ended.rc == 0, ended.stderr
    host.check_output(f"for _ in $(seq 100); do systemctl -q is-active site@{warm}.service && break; sleep 0.1; done")
    assert process_of(host, warm) != process
    assert succeed(roll_back(host)) == 1
    assert (live_slot(host), get(host)["release"]) == (warm, before)


def test_the_next_deploy_has_the_slot(host: Host, source: Path) -> None:
    warm, process = deploy_warm(host, source)
    with Load(host) as load:
        again, _ = deploy_warm(host, source)
    assert again == other(warm)
    assert process_of(host, warm) != process
    assert load.bad == 0, load.errors
    keep(host, again, seconds=0, drain=0)
    assert has_ended(host, again)
