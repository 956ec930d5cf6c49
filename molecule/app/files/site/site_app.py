"""A small WSGI application that tells which release and environment answers."""

import json
import os
import time
from pathlib import Path

BANNER = Path(__file__).with_name("banner.txt").read_text(encoding="utf-8").strip()


def application(environ, start_response):
    status, body = answer(environ)
    content = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def answer(environ):
    path = environ["PATH_INFO"]
    if path == "/health/":
        return health(environ)
    if path == "/slow/":
        time.sleep(2)
    return "200 OK", {"banner": BANNER, "release": os.environ["APP_RELEASE"], "greeting": os.environ["GREETING"]}


def health(environ):
    if environ["HTTP_HOST"] != "site.example.com":
        return "400 Bad Request", {"problem": f"unknown host {environ['HTTP_HOST']}"}
    if environ["wsgi.url_scheme"] != "https":
        return "301 Moved Permanently", {}
    if os.environ["GREETING"] == "be ill":
        return "500 Internal Server Error", {}
    Path(os.environ["MEDIA_ROOT"], "health").write_text("media can be written", encoding="utf-8")
    return "200 OK", {}
