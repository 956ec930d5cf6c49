"""An application that is taken out of the declaration stops serving, keeps its data, and can come back."""

from deploying import VARIABLES
from testinfra.host import Host

from tests.support.scenario import play, succeed

LEFT = [app for app in VARIABLES["app_apps"] if app["name"] != "wire"]
UNITS = [f"wire@{slot}.{kind}" for slot in ("blue", "green") for kind in ("service", "socket")]
ASK = "curl -sS --unix-socket /srv/wire/live.sock http://wire.example.com/"


def test_it_stops_for_good_keeps_its_data_and_comes_back(host: Host) -> None:
    answer = host.check_output(ASK)
    host.check_output("runuser -u wire -- touch /srv/wire/media/upload")

    planned = play(host, "converge.yml", "--check", app_apps=LEFT)
    assert "wire is to be stopped: no longer declared." in planned.stdout + planned.stderr
    assert host.check_output(ASK) == answer

    first = play(host, "converge.yml", app_apps=LEFT)
    assert succeed(first) > 0
    assert "wire was stopped: no longer declared. The data stays, in /srv/wire" in first.stdout + first.stderr
    for unit in UNITS:
        assert host.run(f"systemctl is-active {unit}").stdout.strip() == "inactive", unit
    assert host.check_output("find /etc/systemd/system /etc/roost/apps -name 'wire*'") == ""
    assert host.run("pgrep -u wire").rc != 0
    assert host.file("/srv/wire/media/upload").exists
    assert host.check_output("systemctl is-system-running") == "running"
    assert succeed(play(host, "converge.yml", app_apps=LEFT)) == 0

    succeed(play(host, "converge.yml"))
    assert host.check_output(ASK) == answer
    assert host.file("/srv/wire/media/upload").exists
