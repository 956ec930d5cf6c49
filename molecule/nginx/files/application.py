#!/usr/bin/python3
"""A web application on a unix socket that tells what reached it, for the tests of nginx."""

import base64
import hashlib
import http.server
import itertools
import json
import socketserver
import sys
import time
from pathlib import Path

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


ANSWERS = itertools.count()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade") == "websocket":
            self.upgrade()
        elif self.path in {"/", "/inside/page", "/outer/", "/elsewhere/", "/secret/", "/own/", "/limited"}:
            self.answer(200, dict(self.headers.items()))
        elif self.path == "/own-headers":
            own = {"X-Frame-Options": "DENY", "X-Request-ID": "mine", "Access-Control-Allow-Origin": "https://own.test"}
            self.answer(200, {}, own)
        elif self.path == "/busy":
            self.answer(503, {"ready": False})
        elif self.path.startswith("/news/"):
            self.answer(200, {"number": next(ANSWERS)})
        elif self.path in {"/slow", "/few/slow"}:
            time.sleep(8)
            self.answer(200, {})
        elif self.path.startswith("/events"):
            self.stream()
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        received = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/events":
            self.stream()
        else:
            self.answer(200, {"received": len(received)})

    def answer(self, status: int, content: object, headers: "dict[str, str] | None" = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        """Send two events, the second one after longer than a request may take."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if self.path == "/events/unbuffered":
            self.send_header("X-Accel-Buffering", "no")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        time.sleep(8)
        self.wfile.write(b"data: second\n\n")

    def upgrade(self) -> None:
        """Accept the WebSocket and send one text frame, after longer than a request may take."""
        key = self.headers["Sec-WebSocket-Key"].encode()
        digest = hashlib.sha1(key + WEBSOCKET_GUID, usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        time.sleep(8)
        self.wfile.write(b"\x81\x05hello")
        self.close_connection = True

    def address_string(self) -> str:
        return "unix"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.unlink(missing_ok=True)
    with Server(str(path), Handler) as server:
        server.serve_forever()
