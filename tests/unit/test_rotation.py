"""Rotating the passwords of a database: what becomes of the vault, and when nothing does."""

from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from roost import rotation, secrets
from roost.derive.logins import former_logins, owner_login, serving_login
from roost.environment import Environment, load_environment
from roost.errors import UsageError
from tests.unit.environments import GOOD_STACK, write_environment

OTHERS = """\
    - name: borea
      framework: fastapi
      domains: [borea.test]
      source: {git: https://git.example.com/borea.git, version: v1}
      asgi: borea
    - name: cirrus
      framework: django
      domains: [cirrus.test]
      source: {git: https://git.example.com/cirrus.git, version: v1}
      wsgi: cirrus.wsgi
      redis: {database: 1}
      database: {url: "{{ vault_apps.cirrus.DATABASE_URL }}"}
"""
FIRST = ["atlas", "atlas_app"]
SECOND = ["atlas-2", "atlas_app-2"]


@pytest.fixture
def vault() -> VaultLib:
    return VaultLib([("default", VaultSecret(b"a password"))])


@pytest.fixture
def environment(tmp_path: Path, vault: VaultLib) -> Environment:
    loaded = load_environment(write_environment(tmp_path, stack=GOOD_STACK + OTHERS))
    secrets.set_secret(loaded, vault, "cirrus", "DATABASE_URL", "postgresql://u:p@db.example.com/x")
    secrets.ensure_secrets(loaded, vault)
    return loaded


def kept(environment: Environment, vault: VaultLib) -> dict[str, str]:
    """What the vault keeps of atlas."""
    file = environment.inventory / "group_vars" / "all" / "vault.yml"
    found: dict[str, str] = yaml.safe_load(vault.decrypt(file.read_bytes()))["vault_apps"]["atlas"]
    return found


def logins(environment: Environment, vault: VaultLib) -> dict[str, str]:
    """The passwords of all logins that the vault knows, by role."""
    database, held = environment.apps[0].database, kept(environment, vault)
    assert database
    found = [owner_login(database, held), serving_login(database, held), *former_logins(database, held, [])]
    return {login.role: login.password for login in found}


def test_it_turns_over_to_the_other_login_and_back_each_time_with_new_passwords(
    environment: Environment, vault: VaultLib
) -> None:
    before = kept(environment, vault)
    assert list(logins(environment, vault)) == FIRST
    rotation.rotate_database(environment, vault, "atlas", FIRST)
    once = logins(environment, vault)
    assert list(once) == [*SECOND, *FIRST]
    assert [once[role] for role in FIRST] == [before["database_password"], before["runtime_password"]]
    rotation.rotate_database(environment, vault, "atlas", SECOND)
    twice = logins(environment, vault)
    assert list(twice) == [*FIRST, *SECOND]
    assert [twice[role] for role in SECOND] == [once[role] for role in SECOND]
    assert len({*once.values(), *twice.values()}) == 6
    assert kept(environment, vault)["SECRET_KEY"] == before["SECRET_KEY"]
    assert secrets.ensure_secrets(environment, vault) == []


@pytest.mark.parametrize(
    ("rotated", "opened", "reason"),
    [
        (False, [], "does not let atlas and atlas_app in yet"),
        (True, FIRST, "The last rotation of atlas is not finished: atlas and atlas_app may still log in"),
        (True, [*FIRST, *SECOND], "atlas and atlas_app may still log in"),
        (True, ["atlas_app", *SECOND], "atlas_app may still log in"),
        (False, [*FIRST, "atlas_app-2"], "atlas_app-2 may still log in"),
    ],
    ids=["nothing is set up", "not applied", "half applied", "an application has not moved", "an older vault"],
)
def test_nothing_rotates_before_the_last_rotation_is_finished(
    environment: Environment, vault: VaultLib, rotated: bool, opened: list[str], reason: str
) -> None:
    if rotated:
        rotation.rotate_database(environment, vault, "atlas", FIRST)
    before = kept(environment, vault)
    with pytest.raises(UsageError, match=reason) as refused:
        rotation.rotate_database(environment, vault, "atlas", opened)
    assert refused.value.hint.endswith("first: roost up")
    assert kept(environment, vault) == before


def test_a_runtime_role_that_was_switched_off_rotates_too(environment: Environment, vault: VaultLib) -> None:
    stack = environment.inventory / "group_vars" / "all" / "stack.yml"
    stack.write_text(GOOD_STACK + "      database: {runtime_role: false}\n")
    without = load_environment(environment.inventory)
    rotation.rotate_database(without, vault, "atlas", FIRST)
    assert list(logins(without, vault)) == ["atlas-2", "atlas", "atlas_app"]


@pytest.mark.parametrize(
    ("app", "what", "reason"),
    [
        ("atlsa", "database", "Did you mean .atlas"),
        ("atlas", "SECRET_KEY", "SECRET_KEY can't rotate by itself"),
        ("borea", "database", "borea has no database"),
        ("cirrus", "database", "The database of cirrus is on a server elsewhere"),
    ],
)
def test_what_can_not_rotate(environment: Environment, app: str, what: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        rotation.rotating_logins(environment, app, what)


def test_all_logins_are_asked_about(environment: Environment) -> None:
    assert sorted(rotation.rotating_logins(environment, "atlas", "database")) == sorted([*FIRST, *SECOND])


def test_the_owner_of_another_database_is_no_runtime_role_that_was_switched_off(
    environment: Environment, vault: VaultLib
) -> None:
    other = (
        GOOD_STACK.removeprefix("stack:\n  apps:\n")
        .replace("name: atlas", "name: atlas_app")
        .replace("[atlas", "[other")
    )
    stack = environment.inventory / "group_vars" / "all" / "stack.yml"
    stack.write_text(f"{GOOD_STACK}      database: {{runtime_role: false}}\n{other}      redis: {{database: 1}}\n")
    both = load_environment(environment.inventory)
    secrets.ensure_secrets(both, vault)
    assert rotation.rotating_logins(both, "atlas", "database") == ["atlas", "atlas-2"]
    rotation.rotate_database(both, vault, "atlas", ["atlas", "atlas_app", "atlas_app_app"])
    rotation.rotate_database(both, vault, "atlas", ["atlas-2", "atlas_app", "atlas_app_app"])
