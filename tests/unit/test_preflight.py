"""playbooks/preflight.yml through ansible-playbook: the same words as the runner, and no host is touched."""

import os
import subprocess
from pathlib import Path

import pytest

from roost.environment import load_environment
from roost.errors import InvalidDeclaration
from roost.secrets import open_vault
from tests.unit.environments import GOOD_STACK, one_host, write_environment

ROOT = Path(__file__).parent.parent.parent
SECOND_PLAY = """\
- name: Check the declaration
  import_playbook: {root}/playbooks/preflight.yml

- name: Look at the secrets
  hosts: all
  gather_facts: false
  tasks:
    - name: Compare
      ansible.builtin.assert:
        that:
          - vault_redis_password | length > 0
          - vault_apps.atlas.database_password == hostvars.vm1.vault_apps.atlas.database_password
          - vault_apps.atlas.SECRET_KEY | length == 64
"""


def play(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the preflight and a play after it on hosts that can't be reached by ssh."""
    playbook = folder / "play.yml"
    playbook.write_text(SECOND_PLAY.format(root=ROOT))
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ROOST_VAULT_PASSWORD_FILE": str(folder / "password"),
    }
    return subprocess.run(
        ["ansible-playbook", str(playbook), "-i", str(folder / "inventories" / "prod"), *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bad_declaration_ends_the_run_with_the_runners_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "executed"
    stack = GOOD_STACK.replace("atlas.test", f"\"{{{{ lookup('pipe', 'touch {marker}') }}}}\"").replace(
        "django", "djano"
    )
    folder = write_environment(tmp_path, stack=stack, hosts=one_host().replace("cache", "cahce"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidDeclaration) as refused:
        load_environment(folder)

    result = play(tmp_path)

    assert result.returncode == 2
    said = [line.strip() for line in result.stdout.splitlines()]
    for line in str(refused.value).splitlines():
        assert line.strip() in said or f"msg: {line.strip()}" in said, result.stdout
    assert len(refused.value.problems) == 3
    assert "Look at the secrets" not in result.stdout
    assert not marker.exists()
    assert not (folder / "group_vars" / "all" / "vault.yml").exists()


def test_new_secrets_are_seen_by_the_plays_of_the_same_run(tmp_path: Path) -> None:
    """In an environment without any, and in one whose file Ansible had read before something was added."""
    hosts = one_host().replace("192.0.2.1", "192.0.2.1, ansible_connection: local")
    folder = write_environment(tmp_path, hosts=hosts)
    first = play(tmp_path, "--check")
    assert first.returncode == 0, first.stdout + first.stderr
    vault = folder / "group_vars" / "all" / "vault.yml"
    vault.write_bytes(open_vault(tmp_path / "password").encrypt("vault_redis_password: mine\n"))
    second = play(tmp_path)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "changed=1" in second.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-e", '{"stack": {}}'], "stack can't be an extra variable"),
        (["-i", "localhost,"], "A run is about one environment"),
    ],
)
def test_other_ways_around_the_declaration_are_refused(tmp_path: Path, options: list[str], reason: str) -> None:
    write_environment(tmp_path)
    result = play(tmp_path, *options)
    assert result.returncode == 2
    assert reason in result.stdout


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        ("all: {hosts: }\n", "There is no host in the inventory."),
        ("all: [vm1]\n", "A group is a mapping of hosts, children or vars."),
        ("all:\n\thosts: x\n", "a tab stands where only spaces are allowed"),
    ],
)
def test_an_inventory_without_hosts_is_refused_although_no_play_has_any(
    tmp_path: Path, hosts: str, reason: str
) -> None:
    write_environment(tmp_path, hosts=hosts)
    result = play(tmp_path)
    assert result.returncode == 2
    assert reason in result.stdout
