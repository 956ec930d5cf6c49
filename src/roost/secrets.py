"""The secrets of an environment: which it needs, making up what can be made up, and the encrypted file.

The file is `group_vars/all/vault.yml`, encrypted by Ansible's vault as a whole:

    vault_redis_password: ...
    vault_acme_dns: {secret: ...}
    vault_tls_sharing_key: ...
    vault_backups: {passphrase: ..., s3_key: ..., s3_secret: ..., sftp_key: ..., receiver_password: ...}
    vault_apps:
      atlas: {database_password: ..., runtime_password: ..., deploy_key: ..., SECRET_KEY: ..., MAPBOX_ACCESS_TOKEN: ...}

A rotation adds to an application `database_login`, the one of two logins that the passwords are for, and what the
passwords of the other one were: `former_database_password`, `former_runtime_password`.
"""

import fcntl
import os
import secrets
import string
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import yaml
from cryptography.fernet import Fernet

from roost import backup_secrets
from roost.database_url import admin_url_conflict, admin_url_problem
from roost.environment import VAULT_FILE, Environment
from roost.errors import MissingSecrets, UsageError, VaultError
from roost.model import GENERATED_SECRET, ResolvedApp, wanted_backups
from roost.own_certificate import CERTIFICATE_KEY, checked_key
from roost.paths import project_root
from roost.rawyaml import MARKERS, VAULT_REFERENCE
from roost.ssh_key import new_key, public_half
from roost.suggest import did_you_mean, listed

REDIS_PASSWORD = "vault_redis_password"  # noqa: S105 - the name of a variable, not a secret
APP_SECRETS = "vault_apps"
TLS_SHARING_KEY = "vault_tls_sharing_key"
ACME_DNS_SECRETS = "vault_acme_dns"
ACME_DNS = "acme_dns"
BACKUP_SECRETS = "vault_backups"
BACKUPS = "backups"
DATABASE_PASSWORD = "database_password"  # noqa: S105 - a key, not a secret
RUNTIME_PASSWORD = "runtime_password"  # noqa: S105 - a key, not a secret
DEPLOY_KEY = "deploy_key"
DATABASE_LOGIN = "database_login"
FIRST, SECOND = "first", "second"
FORMER_DATABASE_PASSWORD = f"former_{DATABASE_PASSWORD}"
FORMER_RUNTIME_PASSWORD = f"former_{RUNTIME_PASSWORD}"
FLOWER_PASSWORD = "flower_password"  # noqa: S105 - a key, not a secret
EDGE_PASSWORD = "edge_password"  # noqa: S105 - a key, not a secret

_ALPHABET = string.ascii_letters + string.digits
_PASSWORD_LENGTH = 40
_SECRET_KEY_LENGTH = 64
_HEADER = "# Roost adds what is missing here. Change a value with: ansible-vault edit\n"


class Vault(Protocol):
    """What is needed of `ansible.parsing.vault.VaultLib`."""

    def encrypt(self, plaintext: str) -> bytes:
        """Encrypt a text with the environment's vault password."""

    def decrypt(self, vaulttext: bytes) -> bytes:
        """Decrypt a text; raises an AnsibleError if the password is another."""


@dataclass(frozen=True)
class Secret:
    """A secret that an environment needs; `make` makes it up, or without it must be set by the user."""

    path: tuple[str, ...]
    make: Callable[[], str] | None = None

    def __str__(self) -> str:
        return ".".join(self.path)


def required_secrets(environment: Environment) -> list[Secret]:
    """The secrets that an environment needs, in a stable order."""
    needed = [Secret((REDIS_PASSWORD,), new_password)]
    if len(environment.topology.members("web")) > 1:
        needed.append(Secret((TLS_SHARING_KEY,), lambda: Fernet.generate_key().decode()))
    needed += [Secret((ACME_DNS_SECRETS, name)) for name in _acme_dns_names(environment)]
    if wanted_backups(environment.stack):
        makers = dict.fromkeys(backup_secrets.PASSWORDS, new_password) | {backup_secrets.SFTP_KEY: new_key}
        for name in backup_secrets.declared_names(environment.stack, environment.topology):
            needed.append(Secret((BACKUP_SECRETS, name), makers.get(name)))
    for app in environment.apps:
        if app.database and not app.database.url:
            needed.append(Secret((APP_SECRETS, app.name, DATABASE_PASSWORD), new_password))
        if app.database and app.database.runtime_role:
            needed.append(Secret((APP_SECRETS, app.name, RUNTIME_PASSWORD), new_password))
        if app.source.deploy_key:
            needed.append(Secret((APP_SECRETS, app.name, DEPLOY_KEY), new_key))
        if app.celery and app.celery.flower:
            needed.append(Secret((APP_SECRETS, app.name, FLOWER_PASSWORD), new_password))
        if app.certificate.file and not app.certificate.key_file:
            needed.append(Secret((APP_SECRETS, app.name, CERTIFICATE_KEY)))
        if app.edge.asks_for_password:
            needed.append(Secret((APP_SECRETS, app.name, EDGE_PASSWORD), new_password))
        for name in _names_in_vault(app):
            make = partial(_random_text, _SECRET_KEY_LENGTH) if name == GENERATED_SECRET else None
            needed.append(Secret((APP_SECRETS, app.name, name), make))
    return needed


def ensure_secrets(environment: Environment, vault: Vault) -> list[str]:
    """Make up the missing secrets that can be made up, and return their names.

    Raises MissingSecrets if the user has to set others; what could be made up is saved before.
    """
    with _locked(environment) as path:
        content = _read(path, vault)
        before = yaml.safe_dump(content)
        apps = content.setdefault(APP_SECRETS, {})
        for app in environment.apps:
            apps.setdefault(app.name, {})
        needed = required_secrets(environment)
        missing = [secret for secret in needed if not _get(content, secret.path)]
        made_up = []
        for secret in missing:
            if secret.make:
                _put(content, secret.path, secret.make())
                made_up.append(secret)
        if yaml.safe_dump(content) != before:
            _write(path, content, vault)
    unset = [secret for secret in missing if not secret.make]
    if unset:
        raise _missing(unset)
    for secret in needed:
        if secret.path[0] == BACKUP_SECRETS:
            backup_secrets.checked(secret.path[1], _get(content, secret.path))
    for app in environment.apps:
        if admin_url := _get(content, _path(_admin_url(app))):
            _checked_admin_url(app, admin_url)
        if app.certificate.file and not app.certificate.key_file:
            checked_key(_certificate_file(environment, app), content[APP_SECRETS][app.name][CERTIFICATE_KEY])
    return [str(secret) for secret in made_up]


def set_secret(environment: Environment, vault: Vault, owner: str, name: str, value: str) -> None:
    """Set one secret of an application, of acme_dns or of backups.

    Raises UsageError if the stack doesn't declare it, or if it can't be one of its kind.
    """
    settable = _settable(environment, owner)
    if name not in settable:
        raise UsageError(
            f"{owner} declares no secret {name}.{did_you_mean(name, settable)}", hint=_hint(environment, owner, name)
        )
    value = settable[name](value)
    with _locked(environment) as path:
        content = _read(path, vault)
        _put(content, (*_folder(environment, owner), name), value)
        _write(path, content, vault)


def change_secrets(environment: Environment, vault: Vault, app: str, change: Callable[[dict[str, str]], None]) -> None:
    """Let `change` alter the secrets of an application in place; if it raises, nothing is written."""
    with _locked(environment) as path:
        content = _read(path, vault)
        change(content.setdefault(APP_SECRETS, {}).setdefault(app, {}))
        _write(path, content, vault)


def new_password() -> str:
    """A password that is made up."""
    return _random_text(_PASSWORD_LENGTH)


def app_of(environment: Environment, name: str) -> ResolvedApp:
    """The application of this name. Raises UsageError, with the one that may be meant, if there is none."""
    known = {resolved.name: resolved for resolved in environment.apps}
    if name not in known:
        raise UsageError(f"There is no application {name}.{did_you_mean(name, known)}")
    return known[name]


def public_deploy_key(environment: Environment, vault: Vault, app: str) -> str:
    """The public half of an application's deploy key, which is made if there is none yet."""
    if not app_of(environment, app).source.deploy_key:
        hint = "Declare it in stack.yml: source: {git: git@git.example.com:atlas.git, version: main, deploy_key: true}"
        raise UsageError(f"{app} declares no deploy key.", hint=hint)
    return _public_half_at(environment, vault, (APP_SECRETS, app, DEPLOY_KEY))


def public_backup_key(environment: Environment, vault: Vault) -> str:
    """The public half of the key by which the servers reach their backups, which is made if there is none yet."""
    name = backup_secrets.SFTP_KEY
    if name not in backup_secrets.declared_names(environment.stack, environment.topology):
        raise UsageError("The backups go to no place that knows a key.", hint=backup_secrets.declaration_hint(name))
    return _public_half_at(environment, vault, (BACKUP_SECRETS, name))


def _public_half_at(environment: Environment, vault: Vault, where: tuple[str, ...]) -> str:
    with _locked(environment) as path:
        content = _read(path, vault)
        if not _get(content, where):
            _put(content, where, new_key())
            _write(path, content, vault)
    return public_half(_get(content, where))


def get_secret(environment: Environment, vault: Vault, owner: str, name: str) -> str:
    """One secret of an application, of acme_dns or of backups.

    Raises UsageError, naming those there are, if it isn't set.
    """
    folder = _folder(environment, owner)
    held: Any = _read(environment.inventory / VAULT_FILE, vault)
    content = held
    for key in folder:
        held = held.get(key, {})
    names = sorted(held)
    if name not in names:
        hint = f"There {'is' if len(names) == 1 else 'are'}: {', '.join(names)}." if names else ""
        raise UsageError(f"{owner} has no secret {name} in the vault.{did_you_mean(name, names)}", hint=hint)
    return _get(content, (*folder, name))


def open_vault(password_file: Path) -> Vault:
    """The vault whose password is in a file, or printed by it if it is executable."""
    from ansible.parsing.vault import VaultLib  # noqa: PLC0415 - takes 0.3 s, and only some commands need it

    vault: Vault = VaultLib([("default", load_vault_secret(password_file))])
    return vault


def load_vault_secret(password_file: Path) -> Any:
    """The vault's password as Ansible keeps it."""
    from ansible.errors import AnsibleError  # noqa: PLC0415 - as above
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.parsing.vault import get_file_vault_secret  # noqa: PLC0415

    try:
        secret = get_file_vault_secret(filename=str(password_file), loader=DataLoader())
        secret.load()
    except AnsibleError as error:
        raise VaultError(f"The vault password can't be read from {password_file}: {error}") from error
    return secret


def _folder(environment: Environment, owner: str) -> tuple[str, ...]:
    """Where in the vault the secrets of an application, of acme_dns or of backups are."""
    shared = {ACME_DNS: ACME_DNS_SECRETS, BACKUPS: BACKUP_SECRETS}
    return (shared[owner],) if owner in shared else (APP_SECRETS, app_of(environment, owner).name)


def _settable(environment: Environment, owner: str) -> dict[str, Callable[[str], str]]:
    """The secrets that can be set, each with what checks it and returns it as it is kept."""
    if owner == BACKUPS:
        names = backup_secrets.declared_names(environment.stack, environment.topology)
        return {name: partial(backup_secrets.checked, name) for name in names}
    if owner == ACME_DNS:
        return dict.fromkeys(_acme_dns_names(environment), _one_line)
    app = app_of(environment, owner)
    settable: dict[str, Callable[[str], str]] = dict.fromkeys(_names_in_vault(app), _one_line)
    if app.source.deploy_key:
        settable[DEPLOY_KEY] = _private_key
    if name := _referred(app, _admin_url(app)):
        settable[name] = partial(_checked_admin_url, app)
    if app.certificate.file:
        settable[CERTIFICATE_KEY] = partial(checked_key, _certificate_file(environment, app))
    return settable


def _hint(environment: Environment, owner: str, name: str) -> str:
    """How the stack declares a secret that can't be set yet."""
    if owner == BACKUPS:
        return backup_secrets.declaration_hint(name)
    if name in {DATABASE_PASSWORD, RUNTIME_PASSWORD}:
        return f"It is made up. To change it without a failed request: roost secrets rotate {owner} database"
    declared = _acme_dns_names(environment) if owner == ACME_DNS else _names_in_vault(app_of(environment, owner))
    return f"Declare it in stack.yml: secrets: [{', '.join([*declared, name])}]"


def _one_line(value: str) -> str:
    if not value or any(character in value for character in "\n\r\0"):
        raise UsageError("A secret must be one line and not empty.", hint="Encode longer ones, for instance as base64.")
    return value


def _private_key(value: str) -> str:
    value = f"{value.strip()}\n"
    public_half(value)
    return value


def _names_in_vault(app: ResolvedApp) -> list[str]:
    """The application's secrets: those it declares and those that other values refer to."""
    urls = [app.database.url, app.database.admin_url] if app.database else []
    referred = [_referred(app, value) for value in [*app.env.values(), *urls] if value]
    return list(dict.fromkeys([*app.secrets, *app.hooks.secrets, *filter(None, referred)]))


def _referred(app: ResolvedApp, value: str) -> str:
    """The name of the application's secret that a value refers to; empty if it refers to none."""
    *folder, name = _path(value)
    return name if folder == [APP_SECRETS, app.name] else ""


def _path(value: str) -> tuple[str, ...]:
    """Where in the vault the secret is that a value refers to; nowhere if it refers to none."""
    return tuple(value.strip("{} ").split(".")) if VAULT_REFERENCE.fullmatch(value) else ("",)


def _admin_url(app: ResolvedApp) -> str:
    """What the stack says of the URL of its database's administrator; empty if there is none."""
    return (app.database and app.database.admin_url) or ""


def _checked_admin_url(app: ResolvedApp, value: str) -> str:
    """The URL as it is kept. Raises UsageError, without the URL, if it can't be the administrator's."""
    problem = admin_url_problem(value)
    if not problem and app.database:
        problem = admin_url_conflict(value, app.database.name, [app.database.name, app.database.runtime_role])
    if problem:
        where = ".".join(_path(_admin_url(app))).removeprefix(f"{APP_SECRETS}.")
        raise UsageError(
            f"{where}: {problem}",
            hint=f"Set it with: roost secrets set {where.replace('.', ' ')}   (or ansible-vault edit {VAULT_FILE})",
        )
    return value


def _certificate_file(environment: Environment, app: ResolvedApp) -> Path:
    return project_root(environment.inventory) / (app.certificate.file or "")


def _acme_dns_names(environment: Environment) -> list[str]:
    return environment.stack.acme_dns.secrets if environment.stack.acme_dns else []


def _missing(unset: list[Secret]) -> MissingSecrets:
    shown = [str(secret).removeprefix(f"{APP_SECRETS}.").removeprefix("vault_") for secret in unset]
    names = listed(shown).replace(" or ", " and ")
    owner, name = shown[0].split(".")
    verb = "is" if len(unset) == 1 else "are"
    return MissingSecrets(
        f"{names} {verb} declared but not set; no host was touched.",
        hint=f"Set it with: roost secrets set {owner} {name}   (or ansible-vault edit {VAULT_FILE})",
    )


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _get(content: dict[str, Any], path: tuple[str, ...]) -> str:
    """The value at a path; empty if there is none. Raises VaultError if it isn't text."""
    value: Any = content
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is not None and not isinstance(value, str):
        raise VaultError(f"{'.'.join(path)} in {VAULT_FILE} must be text: put it in quotes.")
    return value or ""


def _put(content: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for key in path[:-1]:
        content = content.setdefault(key, {})
    content[path[-1]] = value


@contextmanager
def _locked(environment: Environment) -> Iterator[Path]:
    """Hold the lock of the environment's secrets; yields the file's path."""
    path = environment.inventory / VAULT_FILE
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(folder)


class _Loader(yaml.SafeLoader):
    """Reads `!unsafe`, Ansible's mark for a text that must not be templated."""


class _Dumper(yaml.SafeDumper):
    """Writes `!unsafe` where Ansible would template a text."""


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    tag = "!unsafe" if any(marker in value for marker in MARKERS) else "tag:yaml.org,2002:str"
    style = "'" if tag == "!unsafe" else "|" if "\n" in value else None
    return dumper.represent_scalar(tag, value, style=style)


_Loader.add_constructor("!unsafe", lambda _loader, node: str(node.value))
_Dumper.add_representer(str, _represent_text)


def _read(path: Path, vault: Vault) -> dict[str, Any]:
    from ansible.errors import AnsibleError  # noqa: PLC0415 - takes 0.3 s, and only some commands need it

    try:
        encrypted = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        content = yaml.load(vault.decrypt(encrypted), Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except AnsibleError as error:
        raise VaultError(f"{path} can't be decrypted with this vault password.") from error
    except yaml.YAMLError as error:
        raise VaultError(
            f"{path} is not valid YAML inside.", hint=f"Mend it with: ansible-vault edit {path}"
        ) from error
    if not isinstance(content or {}, dict):
        raise VaultError(f"{path} must hold a mapping.")
    for key in (APP_SECRETS, ACME_DNS_SECRETS, BACKUP_SECRETS):
        if not isinstance((content or {}).get(key, {}), dict):
            raise VaultError(f"{path} must hold a mapping at {key}.")
    return content or {}


def _write(path: Path, content: dict[str, Any], vault: Vault) -> None:
    """Replace the file in one step; it is readable by its owner only at every moment."""
    text = _HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".vault-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(vault.encrypt(text))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
