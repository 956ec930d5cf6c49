"""Write down each request that is made: listener.py PORT FOLDER; one file a path, one line a request."""

import http.server
import sys
from pathlib import Path


class Listener(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.keep("")

    def do_POST(self):
        self.keep(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def keep(self, body):
        with (Path(sys.argv[2]) / self.path.strip("/")).open("a") as file:
            file.write(body.replace("\n", " ") + "\n")
        self.send_response(200)
        self.end_headers()


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Listener).serve_forever()
