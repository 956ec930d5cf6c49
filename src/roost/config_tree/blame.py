"""Which line of a template an error comes from.

Ansible names the template but not the line of an undefined variable, since it fails only when the whole
template has been rendered. So the template is rendered once more while every undefined value notes where it
was made. This happens on the way to an error message only.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from jinja2 import TemplateSyntaxError


class Line(NamedTuple):
    """A line, counted from 1, or 0 if it isn't known. `file` is set for an included template.

    `variable` is set if the error comes from a variable that is itself a template. Jinja evaluates those
    before the first line, so the line that is meant is the first that names it.
    """

    file: str | None
    number: int
    variable: str = ""

    def locate(self, template: Path) -> str:
        """Return the place as `file:line`; `template` is the one that was rendered."""
        file = Path(self.file or template)
        number = _first_line_with(self.variable, file) if self.variable else self.number
        return f"{file}:{number}" if number else str(file)


UNKNOWN = Line(None, 0)


def line_of_undefined(templar: Any, render: Callable[[], object], message: str) -> Line:
    """Render again with `templar`, which must be new, and return where the value of this message was made."""
    environment = templar._engine.environment
    make_undefined = environment.undefined
    places: dict[str, Line] = {}

    def note(*args: Any, **kwargs: Any) -> Any:
        marker = make_undefined(*args, **kwargs)
        places[marker._undefined_message] = _innermost_file(_frames(sys._getframe(1)))
        return marker

    environment.undefined = note
    try:
        render()
    except AnsibleError:
        return places.get(message, UNKNOWN)
    return UNKNOWN


def line_of_error(error: BaseException) -> Line:
    """Return the line that an exception, or the one that caused it, was raised from."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, TemplateSyntaxError):
            return Line(cause.filename if _is_file(cause.filename) else None, cause.lineno)
        place = _innermost_file(_raised_from(cause))
        if place.number:
            return place
        cause = cause.__cause__
    return UNKNOWN


def _frames(frame: FrameType | None) -> Iterator[tuple[FrameType, int]]:
    while frame:
        yield frame, frame.f_lineno
        frame = frame.f_back


def _raised_from(error: BaseException) -> list[tuple[FrameType, int]]:
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return frames[::-1]


def _innermost_file(frames: Iterable[tuple[FrameType, int]]) -> Line:
    """Return the innermost line of an included file, or else of the template itself.

    Frames come from the inside out. A template that has no file is either a variable's or, outermost, the
    one being rendered.
    """
    line = UNKNOWN
    variable = ""
    for frame, number in frames:
        if frame.f_code.co_name == "resolve_or_missing":
            variable = frame.f_locals["key"]
        template = frame.f_globals.get("__jinja_template__")
        if template is None:
            continue
        is_before_first_line = not template.debug_info or number < template.debug_info[0][1]
        line = Line(template.filename, template.get_corresponding_lineno(number), variable * is_before_first_line)
        if _is_file(template.filename):
            return line
    return line._replace(file=None)


def _first_line_with(variable: str, file: Path) -> int:
    name = re.compile(rf"\b{re.escape(variable)}\b")
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return next((number for number, line in lines if name.search(line)), 0)


def _is_file(name: str | None) -> bool:
    """Jinja calls a template that comes from a string `<template>` or `<unknown>`."""
    return name is not None and not name.startswith("<")
