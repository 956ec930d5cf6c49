"""The secrets of backups: which are needed, which are made up, and what each may be."""

from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from roost import backup_secrets, secrets
from roost.environment import Environment, load_environment
from roost.errors import MissingSecrets, UsageError, VaultError
from roost.ssh_key import new_key, public_half
from tests.unit.environments import GOOD_STACK, write_environment

OFFSITE = "{offsite: {s3: {endpoint: s3.example.com, bucket: atlas}}}"
SFTP = (
    "{offsite: {sftp: {host: backup.example.com, user: roost, path: /backups, host_keys: [ssh-ed25519 "
    + "A" * 68
    + "]}}}"
)
URL = "https://hc.example.com:8443/ping/4f6d?status=up&msg=a%20b"


@pytest.fixture
def vault() -> VaultLib:
    return VaultLib([("default", VaultSecret(b"a password"))])


def environment(folder: Path, backups: str = "", app: str = "") -> Environment:
    """Return an environment that says this of backups, with more keys for its application."""
    said = f"stack:\n  backups: {backups}\n" if backups else "stack:\n"
    return load_environment(write_environment(folder, stack=GOOD_STACK.replace("stack:\n", said) + app))


def content(environment: Environment, vault: VaultLib) -> dict[str, str]:
    path = environment.inventory / "group_vars" / "all" / "vault.yml"
    loaded: dict[str, str] = yaml.safe_load(vault.decrypt(path.read_bytes())).get("vault_backups", {})
    return loaded


def test_the_passphrase_is_made_up_once(tmp_path: Path, vault: VaultLib) -> None:
    atlas = environment(tmp_path)
    assert "vault_backups.passphrase" in secrets.ensure_secrets(atlas, vault)
    first = content(atlas, vault)
    assert list(first) == ["passphrase"]
    assert len(first["passphrase"]) == 40
    assert secrets.ensure_secrets(atlas, vault) == []
    assert content(atlas, vault) == first
    assert secrets.get_secret(atlas, vault, "backups", "passphrase") == first["passphrase"]


@pytest.mark.parametrize(
    ("backups", "app"),
    [
        ("false", ""),
        (OFFSITE, "      database: false\n"),
        ("{heartbeat: true, alert: true}", '      database: {url: "postgresql://u:p@db.example.com/x", dumps: 0}\n'),
    ],
    ids=["switched off", "no database", "a database elsewhere without dumps"],
)
def test_without_a_database_to_back_up_nothing_is_needed(
    tmp_path: Path, vault: VaultLib, backups: str, app: str
) -> None:
    atlas = environment(tmp_path, backups, app)
    secrets.ensure_secrets(atlas, vault)
    assert content(atlas, vault) == {}


def test_what_is_said_needs_its_secrets_and_each_can_be_set(tmp_path: Path, vault: VaultLib) -> None:
    atlas = environment(tmp_path, OFFSITE.replace("}}}", "}}, heartbeat: true, alert: true}"))
    values = {"s3_key": "AKIA/+=", "s3_secret": "a/b+c=", "heartbeat_url": URL, "alert_url": "http://chat/hooks/1"}
    for name, value in values.items():
        with pytest.raises(MissingSecrets, match=rf"^backups\.{name} (and|is|,)|^backups\.{name}, ") as refused:
            secrets.ensure_secrets(atlas, vault)
        assert f"roost secrets set backups {name} " in refused.value.hint
        secrets.set_secret(atlas, vault, "backups", name, value)
    assert secrets.ensure_secrets(atlas, vault) == []
    stored = content(atlas, vault)
    assert stored | values == stored
    assert len(stored["passphrase"]) == 40


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("s3_key", "backups: {offsite: {s3: {endpoint: s3.example.com, bucket: atlas}}}"),
        ("sftp_key", "backups: {offsite: {sftp: {host: backup.example.com, user: roost, path: /backups, host_keys: ["),
        ("heartbeat_url", "backups: {heartbeat: true}"),
        ("alert_url", "backups: {alert: true}"),
        ("s3", "There are: passphrase, s3_key, s3_secret, sftp_key, heartbeat_url, alert_url, receiver_password."),
        ("receiver_password", "a host in the group receiver of hosts.yml"),
    ],
)
def test_what_nobody_asked_for_can_not_be_set(tmp_path: Path, vault: VaultLib, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"^backups declares no secret {name}") as refused:
        secrets.set_secret(environment(tmp_path), vault, "backups", name, "x")
    assert hint in refused.value.hint


def test_a_misspelt_secret_is_guessed(tmp_path: Path, vault: VaultLib) -> None:
    with pytest.raises(UsageError, match='Did you mean "s3_secret"'):
        secrets.set_secret(environment(tmp_path, OFFSITE), vault, "backups", "s3_secrte", "x")


def test_without_backups_there_is_no_passphrase_to_set(tmp_path: Path, vault: VaultLib) -> None:
    with pytest.raises(UsageError) as refused:
        secrets.set_secret(environment(tmp_path, "false"), vault, "backups", "passphrase", "x" * 40)
    assert refused.value.hint == "Declare it in stack.yml: backups: true"


def test_an_earlier_passphrase_can_be_set_again(tmp_path: Path, vault: VaultLib) -> None:
    atlas = environment(tmp_path)
    secrets.set_secret(atlas, vault, "backups", "passphrase", "x" * 40)
    assert "vault_backups.passphrase" not in secrets.ensure_secrets(atlas, vault)


def test_the_key_for_another_host_is_made_up_once_and_its_public_half_can_be_shown(
    tmp_path: Path, vault: VaultLib
) -> None:
    atlas = environment(tmp_path, SFTP)
    shown = secrets.public_backup_key(atlas, vault)
    assert "vault_backups.sftp_key" not in secrets.ensure_secrets(atlas, vault)
    assert list(content(atlas, vault)) == ["sftp_key", "passphrase"]
    assert shown == public_half(content(atlas, vault)["sftp_key"]) == secrets.public_backup_key(atlas, vault)


def test_it_is_made_up_with_the_other_secrets(tmp_path: Path, vault: VaultLib) -> None:
    assert "vault_backups.sftp_key" in secrets.ensure_secrets(environment(tmp_path, SFTP), vault)


def test_a_key_of_ones_own_can_be_set_if_it_is_one(tmp_path: Path, vault: VaultLib) -> None:
    atlas, own = environment(tmp_path, SFTP), new_key()
    secrets.set_secret(atlas, vault, "backups", "sftp_key", own.strip())
    assert secrets.public_backup_key(atlas, vault) == public_half(own)
    for wrong in (public_half(own), own.replace("b3Bl", "b3Bm"), ""):
        with pytest.raises(
            UsageError, match=r"^backups\.sftp_key must be a private key .* without a passphrase"
        ) as told:
            secrets.set_secret(atlas, vault, "backups", "sftp_key", wrong)
        assert not wrong or wrong not in str(told.value)


@pytest.mark.parametrize("backups", ["", "false", OFFSITE], ids=["here", "switched off", "a bucket"])
def test_without_another_host_there_is_no_key(tmp_path: Path, vault: VaultLib, backups: str) -> None:
    with pytest.raises(UsageError, match="go to no place that knows a key") as refused:
        secrets.public_backup_key(environment(tmp_path, backups), vault)
    assert "offsite: {sftp:" in refused.value.hint


@pytest.mark.parametrize("url", [URL, "http://localhost", "https://hooks.example.com/a/b:c,d@e~f-g_h", "https://h?x=1"])
def test_urls_of_both_kinds(url: str) -> None:
    assert backup_secrets.checked("heartbeat_url", url) == backup_secrets.checked("alert_url", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hc.example.com",
        "ftp://hc.example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://hc.example.com/a b",
        "https://hc.example.com/hunter2\n",
        'https://hc.example.com/"',
        "https://hc.example.com/'",
        "https://hc.example.com/$(id)",
        "https://hc.example.com/\\",
        "https://-o.example.com/é",
        "https://hc.example.com:x/",
    ],
)
def test_what_is_no_url_is_refused_without_being_repeated(url: str) -> None:
    for name in ("heartbeat_url", "alert_url"):
        with pytest.raises(UsageError, match=rf"^backups\.{name} must be an https:// or http:// URL") as refused:
            backup_secrets.checked(name, url)
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("value", ["", "a b", "a\n", "a\0", "é" * 40, "\t"])
@pytest.mark.parametrize("name", ["passphrase", "s3_key", "s3_secret"])
def test_other_secrets_are_one_word(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="without spaces"):
        backup_secrets.checked(name, value)


def test_a_passphrase_is_long() -> None:
    with pytest.raises(UsageError, match="20 or more"):
        backup_secrets.checked("passphrase", "short")


def test_what_was_written_by_hand_is_checked_too(tmp_path: Path, vault: VaultLib) -> None:
    atlas = environment(tmp_path, "{alert: true}")
    path = atlas.inventory / "group_vars" / "all" / "vault.yml"
    path.write_bytes(vault.encrypt("vault_backups: {alert_url: chat.example.com}\n"))
    with pytest.raises(UsageError, match=r"^backups\.alert_url must be an https://") as refused:
        secrets.ensure_secrets(atlas, vault)
    assert refused.value.hint == "Set it with: roost secrets set backups alert_url"


def test_secrets_that_are_no_mapping_are_refused(tmp_path: Path, vault: VaultLib) -> None:
    atlas = environment(tmp_path)
    path = atlas.inventory / "group_vars" / "all" / "vault.yml"
    path.write_bytes(vault.encrypt("vault_backups: hunter2\n"))
    with pytest.raises(VaultError, match="must hold a mapping at vault_backups") as refused:
        secrets.ensure_secrets(atlas, vault)
    assert "hunter2" not in str(refused.value)
