"""Whatever a valid stack declares, nginx itself accepts what the role makes of it."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

from hypothesis import Phase, given, settings

from tests.support.rendering import render_role
from tests.support.stacks import valid_stacks

RELEASES = ("molecule12", "molecule13")
STACKS = 100  # of each host, other ones
SCRIPT = Path(__file__).with_name("ask_nginx.sh").read_text()


def draw(number):
    """Return so many stacks, the same ones each time."""
    drawn = []

    @given(valid_stacks())
    @settings(max_examples=number, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    def keep(stack):
        drawn.append(stack)

    keep()
    return drawn


def packed(stacks, release):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, stack in enumerate(stacks):
            files = {
                file.path: content for tree in render_role("nginx", stack, release) for file, content in tree.files
            }
            files["apps"] = " ".join(app["name"] for app in stack["apps"]).encode()
            for path, content in files.items():
                entry = tarfile.TarInfo(f"{number:03}/{path}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_nginx_accepts_the_configuration_of_any_stack(host):
    name = host.backend.host.name
    stacks = draw(STACKS * len(RELEASES))[RELEASES.index(name) :: len(RELEASES)]
    assert len(stacks) == STACKS
    ssh = ["ssh", "-F", Path(os.environ["ROOST_SANDBOX_DIR"]) / "ssh_config", name, "bash", "-c"]
    archive = packed(stacks, name.replace("molecule", "debian"))
    run = subprocess.run([*ssh, f"'{SCRIPT.replace("'", "'\\''")}'"], input=archive, capture_output=True, check=False)
    said = run.stdout.decode()
    assert (run.returncode, said) == (0, ""), f"{said}\n{run.stderr.decode()}\n{stacks[int(said[:3])] if said else ''}"
