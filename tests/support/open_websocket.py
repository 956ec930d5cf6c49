"""A WebSocket on the example pulse that is kept open through nginx, and opened anew when a deploy closes it."""

from pathlib import Path
from typing import NamedTuple

from tests.support.hosts import Host

CLIENT = Path(__file__).with_name("websocket_client.py").read_text()
PYTHON = "/srv/pulse/current/venv/bin/python"
SERVICE_RESTART = "1012"
NORMAL = "1000"
OPEN = f"""
rm -f /root/websocket.*
cat > /root/websocket_client.py <<'PY'
{CLIENT}PY
systemd-run --quiet --collect --unit=websocket -p StandardOutput=file:/root/websocket.log \\
  {PYTHON} /root/websocket_client.py pulse.test
"""
CLOSE = """
touch /root/websocket.stop
while systemctl is-active -q websocket; do sleep 0.2; done
cat /root/websocket.log
"""


class Connection(NamedTuple):
    """The release that answered, the echoes that came back, and the code that closed the connection."""

    release: str
    echoes: int
    code: str


def open_websocket(host: Host) -> None:
    host.run(OPEN)


def wait_for_reconnection(host: Host) -> None:
    """Wait until the first connection has ended: the client then tells of it in a line."""
    host.run("for _ in $(seq 300); do [ -s /root/websocket.log ] && exit; sleep 0.2; done; exit 1")


def close_websocket(host: Host) -> list[Connection]:
    """Close it, and return the connections that there were, the first one first."""
    lines = [line.split() for line in host.run(CLOSE).splitlines()]
    return [Connection(release, int(echoes), code) for release, echoes, code in lines]


def as_expected(connections: list[Connection]) -> bool:
    """Tell whether the client closed the last connection, a deploy each other one, and all had answers."""
    codes = [connection.code for connection in connections]
    return codes == [SERVICE_RESTART] * (len(codes) - 1) + [NORMAL] and all(one.echoes for one in connections)
