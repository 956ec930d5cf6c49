"""The systems that sandbox hosts can have."""

from enum import StrEnum


class Release(StrEnum):
    """A system that hosts can have."""

    DEBIAN12 = "debian12"
    DEBIAN13 = "debian13"


DEFAULT_RELEASE = Release.DEBIAN13
