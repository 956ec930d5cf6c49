"""Local hosts that behave like virtual machines: systemd in containers on the Docker Engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docker.errors import DockerException

from roost.errors import SandboxError
from roost.sandbox.engine import connect
from roost.sandbox.folder import Folder
from roost.sandbox.hosts import Sandbox


@contextmanager
def opened(folder: Folder, say: Callable[[str], None]) -> Iterator[Sandbox]:
    """Yield the folder's sandbox, to read it, on an Engine that is started if need be."""
    try:
        yield Sandbox(connect(folder.engine_log, say), folder, say)
    except DockerException as error:
        raise SandboxError(f"The Docker Engine can't do that: {error}") from error


@contextmanager
def opened_to_change(folder: Folder, say: Callable[[str], None]) -> Iterator[Sandbox]:
    """Yield the folder's sandbox to this process alone; others that want to change it wait."""
    with folder.locked(say), opened(folder, say) as sandbox:
        yield sandbox
