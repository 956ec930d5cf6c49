"""Local hosts that behave like virtual machines: systemd in containers on the Docker Engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from roost.errors import SandboxError
from roost.sandbox.folder import Folder

if TYPE_CHECKING:
    from roost.sandbox.hosts import Sandbox


@contextmanager
def opened(folder: Folder, say: Callable[[str], None]) -> "Iterator[Sandbox]":
    """Yield the folder's sandbox, to read it, on an Engine that is started if need be."""
    from docker.errors import DockerException  # noqa: PLC0415 - Docker's client takes 0.2 s, and only the sandbox needs it

    from roost.sandbox.engine import connect  # noqa: PLC0415
    from roost.sandbox.hosts import Sandbox  # noqa: PLC0415

    try:
        yield Sandbox(connect(folder.engine_log, say), folder, say)
    except DockerException as error:
        raise SandboxError(f"The Docker Engine can't do that: {error}") from error


@contextmanager
def opened_to_change(folder: Folder, say: Callable[[str], None]) -> "Iterator[Sandbox]":
    """Yield the folder's sandbox to this process alone; others that want to change it wait."""
    with folder.locked(say), opened(folder, say) as sandbox:
        yield sandbox
