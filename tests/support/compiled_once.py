"""Jinja compiles the source of a template once, however often it is asked to: most of rendering is compiling."""

from functools import wraps
from typing import Any

from jinja2 import Environment


def compile_once() -> None:
    """Let every environment of a class share what was compiled: all that a test renders is compiled alike."""
    compiled: dict[tuple[Any, ...], Any] = {}
    compile_anew = Environment.compile

    @wraps(compile_anew)
    def compile_source(self: Environment, source: str, *arguments: Any, **options: Any) -> Any:
        key = (type(self), str(source), arguments, tuple(sorted(options.items())))
        if key not in compiled:
            compiled[key] = compile_anew(self, source, *arguments, **options)
        return compiled[key]

    Environment.compile = compile_source  # type: ignore[method-assign, assignment]
