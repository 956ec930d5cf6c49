"""What the roles write to a host, rendered here by Ansible's templating from the real wiring, roles and templates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible.plugins.loader import filter_loader, lookup_loader
from ansible.template import Templar

from roost.config_tree.declaration import Declaration, parse_declaration
from roost.config_tree.expand import PlannedFile, list_sources, plan_files
from roost.config_tree.render import Renderer
from roost.derive.packages import roles_of
from roost.model import parse_stack, resolved_apps
from tests.support.compiled_once import compile_once
from tests.support.project import REPOSITORY

PARTS = ("web", "app", "worker", "database", "cache")
ONE_HOST = {"all": ["vm1"], **{part: ["vm1"] for part in PARTS}}
RELEASES = {"debian12": "12", "debian13": "13"}
SECRET = 'it\'s "secret" $HOME `id` \\ #1 %h'
PASSWORD = "letters0and9digits"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"
BACKUP_SECRETS = (
    dict.fromkeys(("passphrase", "s3_key", "s3_secret", "receiver_password"), PASSWORD)
    | dict.fromkeys(("heartbeat_url", "alert_url"), "https://told.example.com/?run=1&of=%2F")
    | {"sftp_key": PRIVATE_KEY}
)
PASSWORDS = dict.fromkeys(("database_password", "runtime_password", "flower_password", "edge_password"), PASSWORD)

compile_once()


@dataclass(frozen=True)
class RenderedTree:
    """One config_tree task: what it declares, and the content of each of its files."""

    role: str
    declaration: Declaration
    files: tuple[tuple[PlannedFile, bytes], ...]


def render_host(
    stack: Mapping[str, Any], release: str, groups: Mapping[str, list[str]] = ONE_HOST, host: str = "vm1"
) -> list[RenderedTree]:
    """Render every tree of every role that site.yml gives to this host."""
    filter_loader.add_directory(str(REPOSITORY / "plugins" / "filter"))
    common = _magic_variables(stack, release, groups, host)
    roles = roles_of(frozenset(group for group, hosts in groups.items() if host in hosts))
    return [tree for role in roles for tree in _render_role(role, common)]


def render_role(role: str, stack: Mapping[str, Any], release: str, processors: int = 2) -> list[RenderedTree]:
    """Render every tree of one role on a host that plays every part."""
    filter_loader.add_directory(str(REPOSITORY / "plugins" / "filter"))
    return list(_render_role(role, _magic_variables(stack, release, ONE_HOST, "vm1", processors)))


def role_variable(role: str, name: str, given: Mapping[str, Any]) -> Any:
    """Return one of a role's own variables, with its defaults and what is `given`."""
    variables = {**_load(f"roles/{role}/defaults/main.yml"), **_load(f"roles/{role}/vars/main.yml"), **given}
    return Templar(loader=DataLoader(), variables=variables).template(variables[name])


def role_inputs(
    prefix: str, stack: Mapping[str, Any], groups: Mapping[str, list[str]] = ONE_HOST, host: str = "vm1"
) -> dict[str, Any]:
    """Return what the wiring gives the roles whose inputs begin with `prefix`."""
    filter_loader.add_directory(str(REPOSITORY / "plugins" / "filter"))
    variables = _magic_variables(stack, "debian13", groups, host)
    templar = Templar(loader=DataLoader(), variables=variables)
    return {name: templar.template(value) for name, value in variables.items() if name.startswith(prefix)}


def _magic_variables(
    stack: Mapping[str, Any], release: str, groups: Mapping[str, list[str]], host: str, processors: int = 2
) -> dict[str, Any]:
    """What Ansible, the inventory, the vault and the facts would give."""
    facts = {
        "distribution": "Debian",
        "distribution_major_version": RELEASES[release],
        "memtotal_mb": 2000,
        "processor_vcpus": processors,
        "packages": {},
    }
    hostvars = {
        name: {"ansible_host": f"10.0.0.{number}", "ansible_facts": facts}
        for number, name in enumerate(groups["all"], 1)
    }
    apps = resolved_apps(parse_stack(stack))
    return _load("playbooks/vars/wiring.yml") | {
        "stack": stack,
        "groups": groups,
        "hostvars": hostvars,
        "inventory_hostname": host,
        "inventory_dir": str(REPOSITORY / "inventories" / "example"),
        "ansible_facts": facts,
        "vault_redis_password": PASSWORD,
        "vault_backups": BACKUP_SECRETS,
        "vault_apps": {app.name: dict.fromkeys(app.secrets, SECRET) | PASSWORDS for app in apps},
    }


def _render_role(role: str, common: Mapping[str, Any]) -> Iterator[RenderedTree]:
    variables = {
        "role_path": str(REPOSITORY / "roles" / role),
        **_load(f"roles/{role}/defaults/main.yml"),
        **_load(f"roles/{role}/vars/main.yml"),
        **common,
    }
    lookup_loader.add_directory(str(REPOSITORY / "plugins" / "lookup"))
    loader = DataLoader()
    loader.set_vault_secrets([("default", VaultSecret(b"a password"))])
    templar = Templar(loader=loader, variables=variables)
    for task in _tree_tasks(role):
        declaration = parse_declaration(templar.template(task))
        folder = REPOSITORY / "roles" / role / (declaration.src or "templates")
        renderer = Renderer(templar, folder, variables)
        planned = plan_files(declaration, folder, list_sources(folder))
        yield RenderedTree(role, declaration, tuple((file, renderer.content(file)) for file in planned))


@cache
def _tree_tasks(role: str) -> list[Any]:
    """The arguments of the config_tree tasks that the role runs in site.yml."""
    files = sorted((REPOSITORY / "roles" / role / "tasks").glob("*.yml"))
    tasks = [task for file in files if not file.stem.startswith("maintenance") for task in _load_tasks(str(file))]
    return [task["config_tree"] for task in tasks if "config_tree" in task]


def _load_tasks(file: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = DataLoader().load_from_file(file, trusted_as_template=True)
    return tasks


@cache
def _load(path: str) -> dict[str, Any]:
    file = REPOSITORY / path
    content = DataLoader().load_from_file(str(file), trusted_as_template=True) if file.is_file() else {}
    return content or {}
