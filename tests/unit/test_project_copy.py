"""The copy of the project: what is in it, and that the vault's password opens it."""

import io
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar, trust_as_template

from roost.environment import Environment, load_environment
from roost.model import parse_stack
from roost.project_copy import packed, sealed_project
from tests.support.project import REPOSITORY
from tests.support.rendering import render_role
from tests.unit.environments import GOOD_STACK, write_environment

PASSWORD = b"a password"
VARIABLES = "inventories/prod/group_vars/all"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An environment with a vault, and with things beside it that are nobody's business."""
    environment = write_environment(tmp_path)
    (tmp_path / VARIABLES / "vault.yml").write_bytes(vault().encrypt("vault_redis_password: s3cr3t\n"))
    for name in (".git/config", "group_vars/all/stack.yml~", "group_vars/.vault-password"):
        (environment / name).parent.mkdir(exist_ok=True)
        (environment / name).write_text("hidden")
    (tmp_path / "inventories/staging").mkdir()
    (tmp_path / "inventories/staging/hosts.yml").write_text("another")
    return environment


def vault() -> VaultLib:
    return VaultLib([("default", VaultSecret(PASSWORD))])


def names(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getnames()


def declaring(environment: Environment, **more: Any) -> Environment:
    stack = yaml.safe_load(GOOD_STACK)["stack"] | more
    return replace(environment, stack=parse_stack(stack))


def test_the_declaration_of_one_environment_is_packed(folder: Path) -> None:
    assert names(packed(load_environment(folder))) == [
        *(f"{VARIABLES}/{name}.yml" for name in ("stack", "vault")),
        "inventories/prod/hosts.yml",
    ]


def test_an_environment_that_stands_elsewhere(tmp_path: Path) -> None:
    elsewhere = write_environment(tmp_path).rename(tmp_path / "atlas")
    assert names(packed(load_environment(elsewhere))) == ["group_vars/all/stack.yml", "hosts.yml"]


def test_files_that_the_stack_names_are_packed_if_they_are_in_the_project(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.pem"
    for file in (tmp_path / "certs/ca.pem", tmp_path / "certs/acme.pem", tmp_path / "certs/atlas.pem", outside):
        file.parent.mkdir(exist_ok=True)
        file.write_text("certificate")
    app = yaml.safe_load(GOOD_STACK)["stack"]["apps"][0]
    own = {"file": "certs/atlas.pem", "key_file": str(outside)}
    offsite = {"endpoint": "s3.example.com", "bucket": "atlas", "ca": "./certs/ca.pem"}
    environment = declaring(
        load_environment(folder),
        acme_ca="certs/acme.pem",
        backups={"offsite": {"s3": offsite}},
        apps=[app | {"certificate": own}],
    )
    assert names(packed(environment))[:3] == ["certs/acme.pem", "certs/atlas.pem", "certs/ca.pem"]
    assert not any(outside.name in name for name in names(packed(environment)))
    assert not any("certs" in name for name in names(packed(declaring(environment, acme_ca=str(outside)))))


def test_the_same_content_gives_the_same_text_and_other_content_another(folder: Path) -> None:
    environment = load_environment(folder)
    first = sealed_project(environment, vault())
    os.utime(folder / "hosts.yml", (0, 0))
    (folder / "hosts.yml").chmod(0o600)
    assert sealed_project(environment, vault()) == first
    with (folder / "hosts.yml").open("a") as hosts:
        hosts.write("# changed\n")
    changed = sealed_project(environment, vault())
    salts = [bytes.fromhex("".join(text.splitlines()[1:])).splitlines()[0] for text in (first, changed)]
    assert salts[0] != salts[1]


def test_nothing_of_it_can_be_read(folder: Path) -> None:
    text = sealed_project(load_environment(folder), vault())
    assert text.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert set("".join(text.splitlines()[1:])) <= set("0123456789abcdef")


def test_the_password_alone_brings_it_back_as_the_handbook_says(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "project.vault").write_text(sealed_project(load_environment(folder), vault()))
    (there / ".vault-password").write_bytes(PASSWORD)
    command = "ansible-vault decrypt --vault-password-file .vault-password --output - project.vault | tar -xJ"
    assert command in (REPOSITORY / "docs/backups.md").read_text().replace("etc/roost/", "")
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=there, env=environment, check=True)
    for path in ("hosts.yml", "group_vars/all/stack.yml", "group_vars/all/vault.yml"):
        assert (there / "inventories/prod" / path).read_bytes() == (folder / path).read_bytes()


# --- the lookup and the role ----------------------------------------------------------------------------------


def look_up(folder: Path) -> Any:
    lookup_loader.add_directory(str(REPOSITORY / "plugins" / "lookup"))
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(PASSWORD))])
    expression = trust_as_template("{{ lookup('roost_project', folder) }}")
    return Templar(loader=loader, variables={"folder": str(folder)}).template(expression)


def test_the_lookup_encrypts_by_the_password_of_the_run(folder: Path) -> None:
    text = look_up(folder)
    assert names(vault().decrypt(text)) == names(packed(load_environment(folder)))


def test_a_vault_that_is_not_encrypted_is_refused(folder: Path) -> None:
    (folder / "group_vars/all/vault.yml").write_text("vault_redis_password: s3cr3t\n")
    with pytest.raises(AnsibleError, match="is not encrypted: run ansible-vault encrypt on it") as refused:
        look_up(folder)
    assert "s3cr3t" not in str(refused.value)


def test_a_host_gets_it_for_root_alone_and_restic_a_repository_of_its_own() -> None:
    stack = yaml.safe_load(GOOD_STACK)["stack"]
    stack["backups"] = {"offsite": {"s3": {"endpoint": "s3.example.com", "bucket": "atlas", "path": "/prod"}}}
    (tree,) = render_role("backup", stack, "debian13")
    files = {file.path: (file, content) for file, content in tree.files}
    file, content = files["etc/roost/project.vault"]
    assert (file.mode, file.owner, file.secret) == (0o600, "root", True)
    assert names(vault().decrypt(content))[-1] == "inventories/example/hosts.yml"
    settings = files["etc/roost/restic/project.env"][1].decode()
    assert "\nRESTIC_REPOSITORY=s3:https://s3.example.com:443/atlas/prod/project\n" in settings
    assert "\nRESTIC_PASSWORD=project\n" in settings
