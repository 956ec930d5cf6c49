"""The journey of the example on a fresh host: bare, converged, and converged again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.browser import EDGE
from tests.support.hosts import Host, sandbox_host
from tests.support.project import Project, Run

# The name of the host in the inventory, which tells nothing of who uses it.
HOST = "vm1"


@dataclass(frozen=True)
class Journey:
    """A host that the example was installed on, what each run said on the way, and what the first one left there."""

    release: str
    host: Host
    project: Project
    bare_check: Run
    first: Run
    left: list[str]
    second: Run
    converged_check: Run


def project_on(host: Host, folder: Path) -> Project:
    """Make the project of the journey, for a host."""
    project = Project(folder, host.inventory(alias=HOST))
    # Each worker loads the application here; the example of tests/faults has it loaded once for all.
    project.edit_stack(edge=EDGE, web={"preload": False})
    return project


def up(project: Project, release: str) -> Run:
    """Converge by plain Ansible on one release, and by the runner on the other."""
    return project.playbook("site.yml") if release == "debian12" else project.run("roost", "up", "-e", "test")


def plan(project: Project, release: str) -> Run:
    """Tell what `up` would change, in the same two ways."""
    if release == "debian12":
        return project.playbook("site.yml", "--check", "--diff")
    return project.run("roost", "plan", "-e", "test", "--diff")


@contextmanager
def journey_on(release: str, folder: Path) -> Iterator[Journey]:
    """Go on the journey, and keep its host for those who want to use it."""
    with sandbox_host(f"journey-{release}", release) as host:
        project = project_on(host, folder)
        yield Journey(
            release,
            host,
            project,
            bare_check=plan(project, release),
            first=project.playbook("site.yml"),
            left=host.fingerprint(),
            second=project.playbook("site.yml"),
            converged_check=project.playbook("site.yml", "--check", "--diff"),
        )
