"""Base images of the sandbox: plain Debian, made by mmdebstrap and imported into the Engine."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound

from roost.errors import SandboxError
from roost.sandbox.authorities import private_authorities
from roost.sandbox.packages import require_command
from roost.sandbox.release import Release

_SUITES = {Release.DEBIAN12: "bookworm", Release.DEBIAN13: "trixie"}

_ROOTFS = Path(__file__).parent / "rootfs"

# What a provider's smallest Debian image has, and no more: a role must install what it needs.
_PACKAGES = (
    "ca-certificates",
    "cron",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "libpam-systemd",
    "netbase",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
)

_OPTIONS = (
    "--variant=minbase",
    # A server that has run for a day has package lists, and Ansible's check mode needs them.
    "--skip=cleanup/apt/lists",
)

# Shell commands, run when the packages and files are in place; "$1" is the image's root.
_CUSTOMIZE = (
    'chmod 0755 "$1/usr/local/libexec/sandbox-boot"',
    'chroot "$1" systemctl --quiet enable sandbox-boot.service',
    'chroot "$1" update-ca-certificates',
    # Each host makes its own at its first boot.
    'rm -f "$1"/etc/ssh/ssh_host_*',
)

# In the past, so that nothing in a new host looks fresh: a young package index would make Ansible skip the
# first `apt update`.
_BUILD_TIME = "1577836800"


@dataclass(frozen=True)
class Recipe:
    """All that goes into an image; two equal recipes make the same image."""

    release: Release
    options: Sequence[str]
    packages: Sequence[str]
    customize: Sequence[str]
    # Path in the image -> content.
    files: dict[str, str]

    @property
    def tag(self) -> str:
        """The image's name, which changes with anything in the recipe."""
        digest = hashlib.sha256()
        for part in (self.release, *self.options, *self.packages, *self.customize):
            digest.update(part.encode() + b"\0")
        for path, content in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + content.encode() + b"\0")
        return f"roost/{self.release}:{digest.hexdigest()[:12]}"


def recipe_for(release: Release) -> Recipe:
    """Return the recipe of a release's image, which trusts the private CAs of this machine."""
    sources = (path for path in _ROOTFS.rglob("*") if path.is_file())
    files = {str(path.relative_to(_ROOTFS)): path.read_text() for path in sources}
    for number, pem in enumerate(private_authorities()):
        files[f"usr/local/share/ca-certificates/outer-{number}.crt"] = pem
    return Recipe(release, _OPTIONS, _PACKAGES, _CUSTOMIZE, files)


def require_image(client: DockerClient, recipe: Recipe, log: Path, say: Callable[[str], None]) -> str:
    """Return the tag of the recipe's image; build the image first if the Engine lacks it."""
    try:
        client.images.get(recipe.tag)
    except ImageNotFound:
        say(f"Building the {recipe.release} image (about a minute, only once)")
        _build(client, recipe, log, say)
    return recipe.tag


def _build(client: DockerClient, recipe: Recipe, log: Path, say: Callable[[str], None]) -> None:
    mmdebstrap = require_command("mmdebstrap", "mmdebstrap", say)
    with tempfile.TemporaryDirectory(prefix="roost-image-") as work:
        rootfs = Path(work) / "rootfs"
        for name, content in recipe.files.items():
            target = rootfs / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        archive = Path(work) / "root.tar"
        command = [
            mmdebstrap,
            *recipe.options,
            f"--include={','.join(recipe.packages)}",
            f"--customize-hook=sync-in {rootfs} /",
            *(f"--customize-hook={hook}" for hook in recipe.customize),
            _SUITES[recipe.release],
            str(archive),
        ]
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                env={**os.environ, "SOURCE_DATE_EPOCH": _BUILD_TIME},
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            last_lines = log.read_text(errors="replace").splitlines()[-10:]
            raise SandboxError(
                "\n".join([f"mmdebstrap could not build the {recipe.release} image", *last_lines]),
                hint=f"All of its output is in {log}.",
            )
        repository, _, tag = recipe.tag.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag)
