"""Creates, lists, snapshots and removes the hosts of a sandbox folder."""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound
from docker.models.containers import Container

from roost.errors import SandboxError, UsageError
from roost.sandbox.access import Access, ensure_key, write_access_files
from roost.sandbox.addresses import address_for
from roost.sandbox.container import (
    BOOT_OPTIONS,
    authorize,
    first_boot_files,
    host_key,
    put_files,
    wait_until_booted,
)
from roost.sandbox.folder import Folder
from roost.sandbox.image import recipe_for, require_image
from roost.sandbox.network import NETWORK, require_network
from roost.sandbox.release import DEFAULT_RELEASE, Release
from roost.sandbox.resolver import outer_resolver

_FOLDER_LABEL = "roost.sandbox.folder"
_NAME_LABEL = "roost.sandbox.name"
_RELEASE_LABEL = "roost.sandbox.release"
_ADDRESS_LABEL = "roost.sandbox.address"

_HOST_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_SNAPSHOT_TAG = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, order=True)
class Host:
    """A host of the sandbox; `status` is the Engine's word, such as "running" or "exited"."""

    name: str
    release: str
    address: str
    status: str


@dataclass(frozen=True)
class _Origin:
    """What a new host starts from."""

    image: str
    release: str


class Sandbox:
    """The hosts of one folder. Whoever changes them holds the folder's lock."""

    def __init__(self, client: DockerClient, folder: Folder, say: Callable[[str], None]) -> None:
        self._client = client
        self._folder = folder
        self._say = say

    def hosts(self) -> list[Host]:
        """Return all hosts of the folder, by name."""
        return sorted(
            Host(
                name=name,
                release=container.labels[_RELEASE_LABEL],
                address=container.labels[_ADDRESS_LABEL],
                status=container.status,
            )
            for name, container in self._containers().items()
        )

    def up(self, names: Iterable[str], *, release: Release | None = None, snapshot: str | None = None) -> list[Host]:
        """Make the named hosts exist and run, and return them.

        A new host gets the `release` (default: `DEFAULT_RELEASE`) or starts from the `snapshot`; a host
        that exists keeps what it has.
        """
        names = list(dict.fromkeys(names))
        for name in names:
            check_host_name(name)
        self._remove_leftovers()
        containers = self._containers()
        for name in names:
            if release and name in containers:
                _refuse_other_release(name, containers[name].labels[_RELEASE_LABEL], release)
        missing = [name for name in names if name not in containers]
        if missing:
            origin = self._origin(release or DEFAULT_RELEASE, snapshot)
            containers |= {name: self._create(name, origin) for name in missing}
        public_key = ensure_key(self._folder)
        _for_each(lambda name: _bring_up(containers[name], public_key), names)
        self._write_access_files()
        return [host for host in self.hosts() if host.name in names]

    def down(self, names: Iterable[str]) -> list[str]:
        """Remove the named hosts with all their data; return the names of those that existed."""
        containers = self._containers()
        found = [name for name in dict.fromkeys(names) if name in containers]
        _for_each(lambda name: containers[name].remove(force=True, v=True), found)
        self._write_access_files()
        return found

    def build(self, releases: Iterable[Release]) -> None:
        """Make the base images that are missing, so that later hosts start in seconds."""
        for release in releases:
            self._origin(release, snapshot=None)

    def snapshot(self, name: str, tag: str) -> None:
        """Keep the host's disk as it is now under a tag that `up` can start new hosts from."""
        if not _SNAPSHOT_TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} can't name a snapshot",
                hint="Use lower-case letters, digits, dots, underscores and hyphens.",
            )
        container = self._containers().get(name)
        if container is None:
            raise SandboxError(f"There is no host {name}", hint="Run: roost sandbox list")
        container.commit(repository=self._snapshot_repository, tag=tag)

    @property
    def _snapshot_repository(self) -> str:
        return f"roost/snapshot-{self._folder.identity}"

    def _containers(self) -> dict[str, Container]:
        found = self._labelled(f"{_FOLDER_LABEL}={self._folder.root}")
        return {container.labels[_NAME_LABEL]: container for container in found}

    def _labelled(self, label: str) -> list[Container]:
        return self._client.containers.list(all=True, filters={"label": label})

    def _remove_leftovers(self) -> None:
        """Remove hosts that nobody can reach: half-created ones, and those whose folder is gone."""
        for container in self._labelled(_FOLDER_LABEL):
            folder = Path(container.labels[_FOLDER_LABEL])
            half_created = folder == self._folder.root and container.status == "created"
            if half_created or not folder.exists():
                self._say(f"Removing {container.name}, left over from {folder}")
                container.remove(force=True, v=True)

    def _origin(self, release: Release, snapshot: str | None) -> _Origin:
        if snapshot is None:
            image = require_image(self._client, recipe_for(release), self._folder.image_log, self._say)
            return _Origin(image, release)
        image = f"{self._snapshot_repository}:{snapshot}"
        try:
            labels = self._client.images.get(image).labels
        except ImageNotFound as error:
            raise SandboxError(
                f"There is no snapshot {snapshot}", hint="Make one with: roost sandbox snapshot NAME TAG"
            ) from error
        return _Origin(image, labels[_RELEASE_LABEL])

    def _create(self, name: str, origin: _Origin) -> Container:
        full_name = f"roost-{name}-{self._folder.identity}"
        address = str(address_for(full_name, require_network(self._client), self._taken_addresses()))
        self._say(f"Creating {name} ({origin.release}, {address})")
        container = self._client.containers.create(
            origin.image,
            name=full_name,
            hostname=name,
            labels={
                _FOLDER_LABEL: str(self._folder.root),
                _NAME_LABEL: name,
                _RELEASE_LABEL: origin.release,
                _ADDRESS_LABEL: address,
            },
            network=NETWORK,
            networking_config={NETWORK: self._client.api.create_endpoint_config(ipv4_address=address)},
            **BOOT_OPTIONS,
        )
        put_files(container, first_boot_files(name, address, outer_resolver()))
        return container

    def _taken_addresses(self) -> set[IPv4Address]:
        everybody = self._labelled(_ADDRESS_LABEL)
        return {IPv4Address(container.labels[_ADDRESS_LABEL]) for container in everybody}

    def _write_access_files(self) -> None:
        """Write them for every host that has a key to recognize it by."""
        reachable = []
        for name, container in sorted(self._containers().items()):
            key = host_key(container)
            if key:
                reachable.append(Access(name, container.labels[_ADDRESS_LABEL], key))
        write_access_files(self._folder, reachable)


def check_host_name(name: str) -> None:
    """Raise UsageError unless the name is a plain host name."""
    if not _HOST_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't name a host",
            hint="Use up to 40 lower-case letters, digits and hyphens, with a letter first.",
        )


def _refuse_other_release(name: str, has: str, wanted: Release) -> None:
    if has != wanted:
        raise SandboxError(
            f"The host {name} exists with {has}, not {wanted}",
            hint=f"Remove it first: roost sandbox down {name}",
        )


def _bring_up(container: Container, public_key: str) -> None:
    container.start()
    wait_until_booted(container)
    authorize(container, public_key)


def _for_each(action: Callable[[str], object], names: Sequence[str]) -> None:
    """Run the action for all names at once; raise the first error when all have ended."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(action, names))
