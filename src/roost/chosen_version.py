"""A version that is deployed instead of the declared one: is it one that this application can have? Pure."""

from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter, ValidationError

from roost.errors import UsageError
from roost.model import ResolvedApp
from roost.model.values import GitVersion


def check_version(app: ResolvedApp, version: str) -> None:
    """Raise UsageError unless it can be a branch, tag or commit (git) or a version (pypi) of the application."""
    if app.source.path:
        raise UsageError(
            f"{app.name} is deployed from a folder, which has no versions.",
            hint="Change what is in the folder, or declare a git repository as its source.",
        )
    try:
        if app.source.git:
            TypeAdapter(GitVersion).validate_python(version)
        else:
            Version(version)
    except (ValidationError, InvalidVersion):
        kind = "a tag, a branch or a commit" if app.source.git else "a version such as 1.4.2"
        raise UsageError(f"{version!r} can't be {kind}.") from None
