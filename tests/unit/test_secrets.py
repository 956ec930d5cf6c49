"""Secrets: what an environment needs, what is made up, and how the encrypted file is written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography.fernet import Fernet

from roost import secrets, ssh_key
from roost.environment import Environment, load_environment
from roost.errors import MissingSecrets, UsageError, VaultError
from tests.unit.environments import GOOD_STACK, write_environment

OTHERS = """\
    - name: borea
      framework: flask
      domains: [borea.test]
      source: {git: https://git.example.com/borea.git, version: v1}
      wsgi: borea
    - name: cirrus
      framework: fastapi
      domains: [cirrus.test]
      source: {git: https://git.example.com/cirrus.git, version: v1}
      asgi: cirrus
"""


@pytest.fixture
def vault() -> VaultLib:
    return VaultLib([("default", VaultSecret(b"a password"))])


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return load_environment(write_environment(tmp_path, stack=GOOD_STACK + OTHERS))


def declare(environment: Environment, more: str) -> Environment:
    """Return the environment with more keys for its last application."""
    path = environment.inventory / "group_vars" / "all" / "stack.yml"
    path.write_text(path.read_text() + more)
    return load_environment(environment.inventory)


def file_of(environment: Environment) -> Path:
    return environment.inventory / "group_vars" / "all" / "vault.yml"


def content(environment: Environment, vault: VaultLib) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(vault.decrypt(file_of(environment).read_bytes()))
    return loaded


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    else:
        yield str(value)


def test_what_can_be_made_up_is_made_up_once(environment: Environment, vault: VaultLib) -> None:
    added = secrets.ensure_secrets(environment, vault)
    assert added == [
        "vault_redis_password",
        "vault_backups.passphrase",
        "vault_apps.atlas.database_password",
        "vault_apps.atlas.runtime_password",
        "vault_apps.atlas.SECRET_KEY",
        "vault_apps.borea.SECRET_KEY",
    ]
    first = file_of(environment).read_bytes()
    assert secrets.ensure_secrets(environment, vault) == []
    assert file_of(environment).read_bytes() == first


def test_values_are_long_different_and_free_of_characters_that_need_quoting(
    environment: Environment, vault: VaultLib
) -> None:
    secrets.ensure_secrets(environment, vault)
    values = [text for text in texts(content(environment, vault)) if text]
    assert len(set(values)) == len(values) == 6
    assert all(value.isalnum() and value.isascii() and len(value) >= 40 for value in values)


def test_every_application_has_an_entry_even_an_empty_one(environment: Environment, vault: VaultLib) -> None:
    secrets.ensure_secrets(environment, vault)
    apps = content(environment, vault)["vault_apps"]
    assert isinstance(apps, dict)
    assert list(apps) == ["atlas", "borea", "cirrus"]
    assert apps["cirrus"] == {}


def test_the_file_is_encrypted_and_readable_by_its_owner_only(environment: Environment, vault: VaultLib) -> None:
    secrets.ensure_secrets(environment, vault)
    assert file_of(environment).read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256\n")
    assert file_of(environment).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file_of(environment).parent.iterdir()].count("vault.yml") == 1
    assert not list(file_of(environment).parent.glob(".vault-*"))


def test_only_what_is_missing_is_added(environment: Environment, vault: VaultLib) -> None:
    file_of(environment).write_bytes(vault.encrypt("vault_redis_password: mine\nvault_other: 3\n"))
    assert "vault_redis_password" not in secrets.ensure_secrets(environment, vault)
    assert content(environment, vault)["vault_redis_password"] == "mine"
    assert content(environment, vault)["vault_other"] == 3


def test_declared_secrets_must_be_set_and_are_named_all_at_once(environment: Environment, vault: VaultLib) -> None:
    environment = declare(
        environment,
        "      secrets: [API_KEY]\n"
        '      env: {URL: "{{ vault_apps.cirrus.SERVICE_URL }}", OTHER: "{{ vault_other }}"}\n',
    )
    with pytest.raises(MissingSecrets, match=r"^cirrus\.API_KEY and cirrus\.SERVICE_URL are declared") as refused:
        secrets.ensure_secrets(environment, vault)
    assert "roost secrets set cirrus API_KEY" in refused.value.hint
    assert "vault_redis_password" in content(environment, vault)
    for name in ("API_KEY", "SERVICE_URL"):
        secrets.set_secret(environment, vault, "cirrus", name, "x")
    assert secrets.ensure_secrets(environment, vault) == []


def test_an_administrators_url_is_one_before_any_host_is_touched(environment: Environment, vault: VaultLib) -> None:
    environment = declare(
        environment, '      database: {admin_url: "{{ vault_apps.cirrus.DATABASE_ADMIN_URL }}", runtime_role: false}\n'
    )
    with pytest.raises(MissingSecrets, match=r"^cirrus\.DATABASE_ADMIN_URL is declared"):
        secrets.ensure_secrets(environment, vault)
    for wrong, told in (("://root@db/postgres", "must have the"), ("://root:s3cret@db/cirrus", "Roost makes")):
        with pytest.raises(UsageError, match=told) as refused:
            secrets.set_secret(environment, vault, "cirrus", "DATABASE_ADMIN_URL", f"postgresql{wrong}")
        assert "s3cret" not in str(refused.value)
    secrets.set_secret(environment, vault, "cirrus", "DATABASE_ADMIN_URL", "postgresql://root:s3cret@db/postgres")
    assert secrets.ensure_secrets(environment, vault) == []
    assert "database_password" in content(environment, vault)["vault_apps"]["cirrus"]
    edited = vault.decrypt(file_of(environment).read_bytes()).decode().replace("db/postgres", "db/cirrus")
    file_of(environment).write_bytes(vault.encrypt(edited))
    with pytest.raises(UsageError, match=r"^cirrus\.DATABASE_ADMIN_URL: The URL leads to cirrus"):
        secrets.ensure_secrets(environment, vault)


def test_ansible_reads_every_secret_literally(environment: Environment, vault: VaultLib) -> None:
    environment = declare(environment, "      secrets: [API_KEY]\n")
    value = "{{ lookup('pipe', 'id') }} {% x %} '\"\\ $HOME é: #"
    secrets.set_secret(environment, vault, "cirrus", "API_KEY", value)
    secrets.ensure_secrets(environment, vault)
    assert "!unsafe" in vault.decrypt(file_of(environment).read_bytes()).decode()
    loader = DataLoader()
    loader.set_vault_secrets(vault.secrets)
    assert loader.load_from_file(str(file_of(environment)))["vault_apps"]["cirrus"]["API_KEY"] == value


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("atlsa", "SECRET_KEY", "x"), 'There is no application atlsa. Did you mean "atlas"?'),
        (("atlas", "SECRET_KYE", "x"), 'atlas declares no secret SECRET_KYE. Did you mean "SECRET_KEY"?'),
        (("atlas", "SECRET_KEY", ""), "one line and not empty"),
        (("atlas", "SECRET_KEY", "a\nb"), "one line and not empty"),
    ],
)
def test_what_can_not_be_set(
    environment: Environment, vault: VaultLib, arguments: tuple[str, str, str], reason: str
) -> None:
    with pytest.raises(UsageError) as refused:
        secrets.set_secret(environment, vault, *arguments)
    assert reason in str(refused.value)
    assert not file_of(environment).exists()


@pytest.mark.parametrize("name", ["database_password", "runtime_password"])
def test_a_password_of_the_database_is_not_set_but_rotates(
    environment: Environment, vault: VaultLib, name: str
) -> None:
    with pytest.raises(UsageError, match=f"declares no secret {name}") as refused:
        secrets.set_secret(environment, vault, "atlas", name, "x")
    assert "roost secrets rotate atlas database" in refused.value.hint


def test_flower_gets_a_password_that_can_be_shown(environment: Environment, vault: VaultLib) -> None:
    watched = declare(environment, "      redis: {database: 1}\n      celery: {app: cirrus, flower: true}\n")
    assert "vault_apps.cirrus.flower_password" in secrets.ensure_secrets(watched, vault)
    assert len(secrets.get_secret(watched, vault, "cirrus", "flower_password")) == 40


def test_a_location_behind_a_password_gets_one(environment: Environment, vault: VaultLib) -> None:
    places = "      redis: {database: 1}\n      edge: {locations: [{path: /admin/, password: true}]}\n"
    assert "vault_apps.cirrus.edge_password" in secrets.ensure_secrets(declare(environment, places), vault)


@pytest.mark.parametrize(
    ("app", "name", "reason"),
    [("cirus", "x", "no application cirus"), ("borea", "SECRET_KY", "Did you mean .SECRET_KEY")],
)
def test_what_can_not_be_shown(environment: Environment, vault: VaultLib, app: str, name: str, reason: str) -> None:
    secrets.ensure_secrets(environment, vault)
    with pytest.raises(UsageError, match=reason):
        secrets.get_secret(environment, vault, app, name)


def test_another_password_or_a_broken_file_is_refused_and_the_file_is_kept(
    environment: Environment, vault: VaultLib
) -> None:
    other = VaultLib([("default", VaultSecret(b"another"))])
    for encrypted in (
        other.encrypt("a: 1"),
        vault.encrypt("a: ["),
        vault.encrypt("- a"),
        vault.encrypt("vault_apps: 1"),
    ):
        file_of(environment).write_bytes(encrypted)
        with pytest.raises(VaultError):
            secrets.ensure_secrets(environment, vault)
        assert file_of(environment).read_bytes() == encrypted


def test_a_number_is_not_a_secret(environment: Environment, vault: VaultLib) -> None:
    file_of(environment).write_bytes(vault.encrypt("vault_redis_password: 123\n"))
    with pytest.raises(VaultError, match=r"vault_redis_password in .* must be text"):
        secrets.ensure_secrets(environment, vault)


def test_no_error_contains_a_secret(environment: Environment, vault: VaultLib) -> None:
    file_of(environment).write_bytes(vault.encrypt("vault_redis_password: hunter2\nvault_apps: [hunter2\n"))
    with pytest.raises(VaultError) as refused:
        secrets.ensure_secrets(environment, vault)
    assert "hunter2" not in f"{refused.value}{refused.value.hint}"


def test_the_password_comes_from_a_file_or_a_program(tmp_path: Path, vault: VaultLib) -> None:
    encrypted = vault.encrypt("text")
    plain, program = tmp_path / "plain", tmp_path / "program"
    plain.write_text("a password\n")
    program.write_text("#!/bin/sh\nprintf 'a password'\n")
    program.chmod(0o700)
    assert secrets.open_vault(plain).decrypt(encrypted) == b"text"
    assert secrets.open_vault(program).decrypt(encrypted) == b"text"
    with pytest.raises(VaultError):
        secrets.open_vault(tmp_path / "missing")


PRIVATE_REPOSITORY = """\
    - name: dune
      framework: fastapi
      domains: [dune.test]
      source: {git: "git@git.example.com:dune.git", version: main, deploy_key: true}
      asgi: dune
"""


def test_a_deploy_key_is_made_once_and_its_public_half_fits(environment: Environment, vault: VaultLib) -> None:
    environment = declare(environment, PRIVATE_REPOSITORY)
    public = secrets.public_deploy_key(environment, vault, "dune")
    assert public.startswith("ssh-ed25519 AAAA")
    assert "vault_apps.dune.deploy_key" not in secrets.ensure_secrets(environment, vault)
    assert secrets.public_deploy_key(environment, vault, "dune") == public
    private = content(environment, vault)["vault_apps"]["dune"]["deploy_key"]  # type: ignore[index]
    key = environment.inventory / "key"
    key.touch(mode=0o600)
    key.write_text(private)
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == public


def test_a_deploy_key_is_made_up_like_a_password(environment: Environment, vault: VaultLib) -> None:
    environment = declare(environment, PRIVATE_REPOSITORY)
    assert "vault_apps.dune.deploy_key" in secrets.ensure_secrets(environment, vault)


def test_a_key_of_ones_own_can_be_set_if_it_is_one(environment: Environment, vault: VaultLib) -> None:
    environment = declare(environment, PRIVATE_REPOSITORY)
    own = ssh_key.new_key()
    secrets.set_secret(environment, vault, "dune", "deploy_key", own.strip())
    assert content(environment, vault)["vault_apps"]["dune"]["deploy_key"] == own  # type: ignore[index]
    assert secrets.public_deploy_key(environment, vault, "dune") == ssh_key.public_half(own)
    for wrong in ("ssh-ed25519 AAAA", own.replace("b3Bl", "b3Bm"), ""):
        with pytest.raises(UsageError, match="without a passphrase") as refused:
            secrets.set_secret(environment, vault, "dune", "deploy_key", wrong)
        assert "ssh-keygen" in refused.value.hint


@pytest.mark.parametrize(
    ("app", "reason"),
    [("borea", "borea declares no deploy key"), ("dume", 'no application dume. Did you mean "dune"?')],
)
def test_a_deploy_key_must_be_declared(environment: Environment, vault: VaultLib, app: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        secrets.public_deploy_key(declare(environment, PRIVATE_REPOSITORY), vault, app)
    assert reason in str(refused.value)
    assert not file_of(environment).exists()


def test_access_to_the_dns_is_a_secret_of_the_stack(environment: Environment, vault: VaultLib) -> None:
    path = environment.inventory / "group_vars" / "all" / "stack.yml"
    path.write_text(path.read_text().replace("stack:\n", "stack:\n  acme_dns: {plugin: ovh, secrets: [token]}\n"))
    environment = load_environment(environment.inventory)
    with pytest.raises(MissingSecrets, match=r"^acme_dns\.token is declared") as refused:
        secrets.ensure_secrets(environment, vault)
    assert "roost secrets set acme_dns token " in (refused.value.hint or "")
    with pytest.raises(UsageError, match=r'Did you mean "token"\?'):
        secrets.set_secret(environment, vault, "acme_dns", "tokn", "abc")
    secrets.set_secret(environment, vault, "acme_dns", "token", "abc")
    secrets.ensure_secrets(environment, vault)
    assert content(environment, vault)["vault_acme_dns"] == {"token": "abc"}


def test_several_web_hosts_share_a_key(environment: Environment, vault: VaultLib) -> None:
    assert "vault_tls_sharing_key" not in secrets.ensure_secrets(environment, vault)
    hosts = environment.inventory / "hosts.yml"
    hosts.write_text(
        hosts.read_text()
        .replace("{vm1: {ansible_host: 192.0.2.1}}", "{vm1: {ansible_host: 192.0.2.1}, vm2: {ansible_host: 192.0.2.2}}")
        .replace("web: {hosts: {vm1: }}", "web: {hosts: {vm1: , vm2: }}")
        .replace("app: {hosts: {vm1: }}", "app: {hosts: {vm1: , vm2: }}")
    )
    several = load_environment(environment.inventory)
    assert secrets.ensure_secrets(several, vault) == ["vault_tls_sharing_key"]
    assert Fernet(str(content(several, vault)["vault_tls_sharing_key"]))
