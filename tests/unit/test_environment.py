"""An environment's folder as a whole: which files are read, and that one run names everything that is wrong."""

from pathlib import Path

import pytest

from roost.environment import load_environment
from roost.errors import InvalidDeclaration, UsageError
from tests.unit.environments import GOOD_STACK, one_host, write_environment

ROOT = Path(__file__).parent.parent.parent


def problems(folder: Path) -> list[str]:
    """Return the problems of an environment as `FILE:LINE: KEY: MESSAGE`, seen from its folder."""
    with pytest.raises(InvalidDeclaration) as refused:
        load_environment(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def two_hosts(groups: str, *, private: bool = True) -> str:
    second = "{ansible_host: 192.0.2.2}" if private else "{ansible_host: vm2.example.com}"
    return f"all:\n  hosts:\n    vm1: {{ansible_host: 192.0.2.1}}\n    vm2: {second}\n  children:\n{groups}"


def test_the_example_is_valid() -> None:
    environment = load_environment(ROOT / "inventories" / "example")
    assert [app.name for app in environment.apps] == ["atlas"]


def test_a_valid_environment_may_be_named_by_its_folder_or_its_hosts_file(tmp_path: Path) -> None:
    folder = write_environment(tmp_path)
    assert load_environment(folder) == load_environment(folder / "hosts.yml")
    assert load_environment(folder).inventory == folder


def test_no_folder_is_a_wrong_use_with_a_next_step(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no environment") as refused:
        load_environment(tmp_path / "nowhere")
    assert "inventories/example" in refused.value.hint


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "prod").mkdir()
    assert problems(tmp_path / "prod") == [
        "group_vars/all/stack.yml: The file can't be read: No such file or directory.",
        "hosts.yml: The file can't be read: No such file or directory.",
    ]


def test_one_run_names_everything_in_all_files_in_the_order_of_the_lines(tmp_path: Path) -> None:
    folder = write_environment(
        tmp_path,
        stack=GOOD_STACK.replace("django", "djano") + "  ssh: {port: 80}\n  timzone: Etc/UTC\n",
        hosts=one_host().replace("worker", "wroker"),
    )
    (folder / "group_vars" / "web.yml").write_text("a: 1\na: 2\n")
    said = problems(folder)
    assert [line.split(": ")[0] for line in said] == [
        "group_vars/all/stack.yml:4",
        "group_vars/all/stack.yml:9",
        "group_vars/all/stack.yml:10",
        "group_vars/web.yml:2",
        "hosts.yml:6",
    ]
    assert 'Did you mean "worker"?' in said[-1]


def test_stack_in_any_other_place_would_win_unchecked_so_it_is_refused(tmp_path: Path) -> None:
    folder = write_environment(
        tmp_path, hosts=one_host().replace("192.0.2.1}", "192.0.2.1, stack: {}}") + "  vars: {stack: {}}\n"
    )
    for name in ("group_vars/web.yml", "group_vars/all/more.yml", "host_vars/vm1.yaml", "host_vars/vm1/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("stack: {}\n")
    said = problems(folder)
    assert len(said) == 6
    assert all("stack: belongs in group_vars/all/stack.yml only." in line for line in said)


def test_secrets_in_plain_text_are_refused(tmp_path: Path) -> None:
    folder = write_environment(tmp_path)
    (folder / "group_vars" / "all" / "vault.yml").write_text("vault_redis_password: hunter2\n")
    assert problems(folder) == [
        "group_vars/all/vault.yml:1: The file is not encrypted: run ansible-vault encrypt on it."
    ]


def test_variables_of_ansibles_own_may_be_templates(tmp_path: Path) -> None:
    folder = write_environment(tmp_path)
    (folder / "group_vars" / "all" / "own.yml").write_text("nginx_x: \"{{ lookup('env', 'HOME') }}\"\n")
    load_environment(folder)


def test_a_template_in_hosts_yml_is_refused_and_not_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    hosts = one_host().replace("192.0.2.1", f"\"{{{{ lookup('pipe', 'touch {marker}') }}}}\"")
    (said,) = problems(write_environment(tmp_path, hosts=hosts))
    assert "all.hosts.vm1.ansible_host: Template markers" in said
    assert not marker.exists()


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("all:\n  children: {web: }\n", "hosts.yml:1: all: There is no host in the inventory."),
        ("all:\n  hosts: [vm1]\n", "hosts.yml:2: all.hosts: This must be a mapping; write each name with a colon"),
        ("all:\n  host: {vm1: }\n", 'hosts.yml:2: all.host: A group has no such key. Did you mean "hosts"?'),
        ("all: vm1\n", "hosts.yml:1: all: A group is a mapping of hosts, children or vars."),
        (
            "all:\n  hosts: {vm1: 192.0.2.1}\n",
            "hosts.yml:2: all.hosts.vm1: A host's variables are a mapping, or nothing.",
        ),
        (one_host().replace("vm1", '"vm 1"'), "hosts.yml:2: all.hosts.vm 1: A host's name consists of letters"),
        (one_host().replace("192.0.2.1", '"192.0.2.1 -o x"'), "all.hosts.vm1.ansible_host: This must be an IP address"),
        (one_host() + "  vars: {x: yes}\n", "all.vars.x: YAML reads yes as a truth value"),
        (
            two_hosts("    web: {hosts: {vm1: }}\n    app: {hosts: {vm1: }}\n"),
            "all.hosts.vm2: The host is in no group; give it a part",
        ),
        (
            two_hosts("    web: {hosts: {vm1: }}\n    app: {hosts: {vm1: , vm2: }}\n"),
            "all.children.web: vm2 in the group app must be in web too: web and app on different hosts is not",
        ),
        (
            two_hosts("    web: {hosts: {vm1: , vm2: }}\n    app: {hosts: {vm1: }}\n"),
            "all.children.app: vm2 in the group web must be in app too",
        ),
        (
            two_hosts("    web: {hosts: {vm1: , vm2: }}\n    app: {hosts: {vm1: , vm2: }}\n", private=False),
            "all.hosts.vm2: With several hosts each needs an IP address that the others reach",
        ),
    ],
)
def test_hosts_are_checked_too(tmp_path: Path, hosts: str, expected: str) -> None:
    said = problems(write_environment(tmp_path, hosts=hosts))
    assert any(expected in line for line in said), said


def test_a_private_address_may_stand_in_host_vars(tmp_path: Path) -> None:
    groups = "".join(
        f"    {part}: {{hosts: {{vm1: , vm2: }}}}\n" for part in ("web", "app", "worker", "database", "cache")
    )
    folder = write_environment(tmp_path, hosts=two_hosts(groups, private=False))
    (folder / "host_vars").mkdir()
    (folder / "host_vars" / "vm2.yml").write_text("roost_private_address: 10.0.0.2\n")
    assert load_environment(folder).topology.host("vm2").internal_address == "10.0.0.2"


def test_files_below_the_current_folder_are_named_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_environment(tmp_path, stack="stack: {}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidDeclaration) as refused:
        load_environment(folder)
    assert str(refused.value).splitlines()[1].startswith("  inventories/prod/group_vars/all/stack.yml:1: stack.apps: ")
