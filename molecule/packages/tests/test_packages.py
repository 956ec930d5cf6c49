"""The host has what was asked for."""

from testinfra.host import Host


def test_the_packages_are_installed(host: Host) -> None:
    for name in ("tree", "moreutils"):
        assert host.package(name).is_installed
    assert host.run("tree --version").rc == 0
