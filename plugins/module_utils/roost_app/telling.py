"""What of an application's log tells why it crashed, and of a build's output why it failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

OF_SERVER_ITSELF = re.compile(
    r"\[INFO\]|^INFO: |(\[ERROR\] |^)(Exception in worker|Worker \(pid|Shutting down: Master|Reason: Worker failed)"
)
ENDING = re.compile(r"Worker \(pid:\d+\) (.*)")
FRAME_OF_SERVER = re.compile(r'^\s+File "[^"]*/(gunicorn|uvicorn|uvicorn_worker)[/"]')
BELONGS_TO_FRAME = re.compile(r"^ {4}")

# The names under which loggers that write JSON keep these.
LEVELS = ("level", "levelname", "severity")
TEXTS = ("message", "msg", "event", "exception", "exc_info", "traceback", "stack_trace")

OF_BUILD_GONE_WRONG = re.compile(r"error|fail|✗", re.IGNORECASE)
WITHOUT_REASON = re.compile(r"^[\W_]*(error during build:|build failed.*)?$", re.IGNORECASE)
BUILD_LINES = 5
FRAME_OF_JAVASCRIPT = re.compile(r"^\s+at .*[/:(<]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def telling_lines(journal: str) -> list[str]:
    """Leave out what the server says of itself, also in tracebacks, and what repeats itself: it is no reason.

    If nothing is left, the application ended without a word, and that its processes ended is all there is to tell.
    """
    lines = []
    endings = []
    within_server = False
    for line in (plain for written in journal.splitlines() for plain in plain_lines(written)):
        within_server = bool(FRAME_OF_SERVER.match(line) or (within_server and BELONGS_TO_FRAME.match(line)))
        if found := ENDING.search(line):
            endings.append(f"a worker {found[1]}")
        if line.strip() and not within_server and not OF_SERVER_ITSELF.search(line):
            lines.append(line)
    return list(dict.fromkeys(lines or endings))


def plain_lines(line: str) -> Iterator[str]:
    """Give what a person reads in a line: of a JSON record its message and traceback, or nothing if it only informs."""
    try:
        record = json.loads(line) if line.startswith("{") else None
    except ValueError:
        record = None
    if record is None:
        yield line
        return
    if not any(str(record.get(name)).lower() in {"debug", "info"} for name in LEVELS):
        for name in TEXTS:
            yield from str(record.get(name) or "").splitlines()


def build_lines(output: str) -> list[str]:
    """Begin where the tools of npm tell that something went wrong; leave out mere headings, frames and drawn lines."""
    lines = [line for line in COLOUR.sub("", output).splitlines() if not FRAME_OF_JAVASCRIPT.match(line)]
    first = next((number for number, line in enumerate(lines) if OF_BUILD_GONE_WRONG.search(line)), 0)
    return [line for line in lines[first:] if not WITHOUT_REASON.match(line)][:BUILD_LINES]
