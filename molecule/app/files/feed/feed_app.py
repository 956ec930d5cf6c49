"""A small ASGI application."""

import os


async def application(scope, _receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{scope['scheme']} {os.environ['APP_RELEASE']}".encode()})
