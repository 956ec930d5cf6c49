"""The secrets of an environment: which it needs, making up what can be made up, and the encrypted file.

The file is `group_vars/all/vault.yml`, encrypted by Ansible's vault as a whole:

    vault_redis_password: ...
    vault_acme_dns: {secret: ...}
    vault_tls_sharing_key: ...
    vault_apps:
      atlas: {database_password: ..., deploy_key: ..., SECRET_KEY: ..., MAPBOX_ACCESS_TOKEN: ...}
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

from roost.deploy_key import DEPLOY_KEY, new_key, public_half
from roost.environment import VAULT_FILE, Environment
from roost.errors import MissingSecrets, UsageError, VaultError
from roost.model import GENERATED_SECRET, ResolvedApp
from roost.own_certificate import CERTIFICATE_KEY, checked_key
from roost.paths import project_root
from roost.rawyaml import MARKERS, VAULT_REFERENCE
from roost.suggest import did_you_mean, listed

REDIS_PASSWORD = "vault_redis_password"  # noqa: S105 - the name of a variable, not a secret
APP_SECRETS = "vault_apps"
TLS_SHARING_KEY = "vault_tls_sharing_key"
ACME_DNS_SECRETS = "vault_acme_dns"
ACME_DNS = "acme_dns"
DATABASE_PASSWORD = "database_password"  # noqa: S105 - a key, not a secret
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
    password = partial(_random_text, _PASSWORD_LENGTH)
    needed = [Secret((REDIS_PASSWORD,), password)]
    if len(environment.topology.members("web")) > 1:
        needed.append(Secret((TLS_SHARING_KEY,), lambda: Fernet.generate_key().decode()))
    needed += [Secret((ACME_DNS_SECRETS, name)) for name in _acme_dns_names(environment)]
    for app in environment.apps:
        if app.database and not app.database.url:
            needed.append(Secret((APP_SECRETS, app.name, DATABASE_PASSWORD), password))
        if app.source.deploy_key:
            needed.append(Secret((APP_SECRETS, app.name, DEPLOY_KEY), new_key))
        if app.celery and app.celery.flower:
            needed.append(Secret((APP_SECRETS, app.name, FLOWER_PASSWORD), password))
        if app.certificate.file and not app.certificate.key_file:
            needed.append(Secret((APP_SECRETS, app.name, CERTIFICATE_KEY)))
        if app.edge.asks_for_password:
            needed.append(Secret((APP_SECRETS, app.name, EDGE_PASSWORD), password))
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
        missing = [secret for secret in required_secrets(environment) if not _get(content, secret.path)]
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
    for app in environment.apps:
        if app.certificate.file and not app.certificate.key_file:
            checked_key(_certificate_file(environment, app), content[APP_SECRETS][app.name][CERTIFICATE_KEY])
    return [str(secret) for secret in made_up]


def set_secret(environment: Environment, vault: Vault, owner: str, name: str, value: str) -> None:
    """Set one secret of an application or of acme_dns. Raises UsageError if the stack doesn't declare it."""
    if owner == ACME_DNS:
        folder: tuple[str, ...] = (ACME_DNS_SECRETS,)
        names = listable = _acme_dns_names(environment)
    else:
        folder = (APP_SECRETS, owner)
        resolved = _app(environment, owner)
        listable = _names_in_vault(resolved)
        names = [*listable, *([DEPLOY_KEY] if resolved.source.deploy_key else [])]
        names += [CERTIFICATE_KEY] if resolved.certificate.file else []
    if name not in names:
        hint = f"Declare it in stack.yml: secrets: [{', '.join([*listable, name])}]"
        raise UsageError(f"{owner} declares no secret {name}.{did_you_mean(name, names)}", hint=hint)
    if name == DEPLOY_KEY:
        value = f"{value.strip()}\n"
        public_half(value)
    elif name == CERTIFICATE_KEY:
        value = checked_key(_certificate_file(environment, resolved), value)
    elif not value or any(character in value for character in "\n\r\0"):
        raise UsageError("A secret must be one line and not empty.", hint="Encode longer ones, for instance as base64.")
    with _locked(environment) as path:
        content = _read(path, vault)
        _put(content, (*folder, name), value)
        _write(path, content, vault)


def public_deploy_key(environment: Environment, vault: Vault, app: str) -> str:
    """The public half of an application's deploy key, which is made if there is none yet."""
    if not _app(environment, app).source.deploy_key:
        hint = "Declare it in stack.yml: source: {git: git@git.example.com:atlas.git, version: main, deploy_key: true}"
        raise UsageError(f"{app} declares no deploy key.", hint=hint)
    where = (APP_SECRETS, app, DEPLOY_KEY)
    with _locked(environment) as path:
        content = _read(path, vault)
        if not _get(content, where):
            _put(content, where, new_key())
            _write(path, content, vault)
    return public_half(_get(content, where))


def get_secret(environment: Environment, vault: Vault, app: str, name: str) -> str:
    """One secret of an application. Raises UsageError, naming those there are, if it isn't set."""
    _app(environment, app)
    content = _read(environment.inventory / VAULT_FILE, vault)
    names = sorted(content.get(APP_SECRETS, {}).get(app, {}))
    if name not in names:
        hint = f"There {'is' if len(names) == 1 else 'are'}: {', '.join(names)}." if names else ""
        raise UsageError(f"{app} has no secret {name} in the vault.{did_you_mean(name, names)}", hint=hint)
    return _get(content, (APP_SECRETS, app, name))


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


def _app(environment: Environment, name: str) -> ResolvedApp:
    known = {resolved.name: resolved for resolved in environment.apps}
    if name not in known:
        raise UsageError(f"There is no application {name}.{did_you_mean(name, known)}")
    return known[name]


def _names_in_vault(app: ResolvedApp) -> list[str]:
    """The application's secrets: those it declares and those that other values refer to."""
    values = [*app.env.values(), *([app.database.url] if app.database and app.database.url else [])]
    prefix = f"{APP_SECRETS}.{app.name}."
    inner = [value.strip("{} ") for value in values if VAULT_REFERENCE.fullmatch(value)]
    referred = [name.removeprefix(prefix) for name in inner if name.startswith(prefix)]
    return list(dict.fromkeys([*app.secrets, *app.hooks.secrets, *referred]))


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
    if not isinstance(content or {}, dict) or not isinstance((content or {}).get(APP_SECRETS, {}), dict):
        raise VaultError(f"{path} must hold a mapping, and {APP_SECRETS} in it too.")
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
