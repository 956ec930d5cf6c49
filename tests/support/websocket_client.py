"""Run on a host by the Python of pulse: keeps a WebSocket of the domain $1 open until /root/websocket.stop exists.

Prints a line for each connection: the release that answered, the echoes that came back, the code that closed it.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

DOMAIN = sys.argv[1]
CERTIFICATE = f"/etc/roost/tls/{DOMAIN.removesuffix('.test')}/fullchain.pem"
STOP = Path("/root/websocket.stop")


async def converse() -> None:
    context = ssl.create_default_context(cafile=CERTIFICATE)
    async with connect(f"wss://{DOMAIN}/ws/", ssl=context, host="127.0.0.1", port=443, proxy=None) as socket:
        release = json.loads(await socket.recv())["release"]
        echoes, code = 0, 1000
        try:
            while not echoes or not STOP.exists():
                await socket.send(f"text {echoes}")
                answer = json.loads(await socket.recv())
                echoes += 1
                if (answer["sequence"], answer["text"]) != (echoes, f"text {echoes - 1}"):
                    raise SystemExit(f"unexpected: {answer}")
                await asyncio.sleep(0.1)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
        print(release, echoes, code, flush=True)  # noqa: T201


while True:
    asyncio.run(converse())
    if STOP.exists():
        break
