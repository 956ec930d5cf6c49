from dataclasses import replace

import pytest

from roost.errors import SandboxError
from roost.sandbox.authorities import certificates_in
from roost.sandbox.image import Recipe, recipe_for
from roost.sandbox.release import Release
from roost.sandbox.resolver import reachable_resolver

RECIPE = Recipe(
    release=Release.DEBIAN12,
    options=("--variant=minbase",),
    packages=("curl", "sudo"),
    customize=("true",),
    files={"etc/a": "1", "etc/b": "2"},
)


def test_tag_names_the_release():
    assert RECIPE.tag.startswith("roost/debian12:")


@pytest.mark.parametrize(
    "change",
    [
        {"release": Release.DEBIAN13},
        {"options": ()},
        {"packages": ("curl",)},
        {"packages": ("curls", "udo")},
        {"customize": ("false",)},
        {"files": {"etc/a": "1"}},
        {"files": {"etc/a": "1", "etc/b": "3"}},
        {"files": {"etc/a": "12", "etc/b": ""}},
    ],
)
def test_any_change_of_the_recipe_changes_the_tag(change):
    assert replace(RECIPE, **change).tag != RECIPE.tag


def test_order_of_files_does_not_matter():
    assert replace(RECIPE, files={"etc/b": "2", "etc/a": "1"}).tag == RECIPE.tag


def test_recipe_carries_what_makes_a_container_a_host():
    files = recipe_for(Release.DEBIAN13).files
    assert "etc/systemd/system/sandbox-boot.service" in files
    assert "usr/local/libexec/sandbox-boot" in files


def test_certificates_are_found_whatever_surrounds_them():
    body = "AAAA\nBBBB"
    pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
    wrapped = f"# a comment\n{pem.replace('AAAA\nBBBB', 'AAAABBBB')}\n\n{pem}\n"
    assert len(certificates_in(wrapped)) == 1
    assert certificates_in("no certificate here") == {}


def test_resolver_takes_only_servers_that_a_host_can_reach():
    text = "search example.com\nnameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\n"
    assert reachable_resolver([text]) == "nameserver 192.0.2.53\nnameserver fe80::1%eth0\n"


def test_resolver_looks_behind_a_local_stub():
    stub, real = "nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.53\n"
    assert reachable_resolver([stub, real]) == real


def test_no_reachable_resolver_is_an_error():
    with pytest.raises(SandboxError, match=r"resolv\.conf"):
        reachable_resolver(["nameserver 127.0.0.53\n", ""])
