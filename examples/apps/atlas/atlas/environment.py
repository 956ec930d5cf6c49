"""Typed access to the environment variables that configure the application."""

import os

from django.core.exceptions import ImproperlyConfigured


def required(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ImproperlyConfigured(f"The environment variable {name} must be set.") from None


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def boolean(name: str, default: bool = False) -> bool:
    return text(name, str(default)).lower() in {"1", "true", "yes", "on"}


def integer(name: str, default: int) -> int:
    return int(text(name) or default)


def names(name: str) -> list[str]:
    """A comma separated list."""
    return [part.strip() for part in text(name).split(",") if part.strip()]
