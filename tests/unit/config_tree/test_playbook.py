"""config_tree through ansible-playbook: templating, errors, and what is shown and logged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project import REPOSITORY

SECRET = "hunter2-hunter2"


class Role:
    """A role with templates, and a playbook that applies it to this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.task: dict[str, Any] = {
            "name": "demo",
            "dest": str(self.root),
            "state_directory": str(folder / "lib/config_tree"),
        }
        self.vars: dict[str, Any] = {}
        self.more: list[dict[str, Any]] = []
        (folder / "lib").mkdir()

    def template(self, path: str, content: str) -> None:
        file = self.folder / "roles/demo/templates" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def play(self, *options: str, fails: bool = False) -> str:
        """Run the playbook and return what it prints."""
        tasks = self.folder / "roles/demo/tasks/main.yml"
        tasks.parent.mkdir(parents=True, exist_ok=True)
        keep = {"content": "{{ __tree | to_json }}", "dest": str(self.folder / "result.json"), "mode": "0600"}
        tasks.write_text(
            yaml.safe_dump(
                [{"config_tree": self.task, "register": "__tree"}, {"ansible.builtin.copy": keep}, *self.more]
            )
        )
        play = {"hosts": "localhost", "gather_facts": False, "vars": self.vars, "roles": ["demo"]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", *options, "play.yml"],
            cwd=self.folder,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def apply(self, *options: str) -> dict[str, Any]:
        """Run the playbook and return the task's result."""
        self.play(*options)
        result: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return result


@pytest.fixture
def role(folder: Path) -> Role:
    return Role(folder)


TEMPLATE = """# Managed
{% import "_macros.j2" as macros %}
{{ macros.shout(greeting) }} \\n "\\d" {{ "a\\tb" }}
{% for site in sites %}
  {% if site.port is defined %}
  {{ site.name }}: {{ site.port }}
  {% endif %}
{% endfor %}
{% include "_footer.j2" %}
{{ sites | map(attribute="name") | list | to_json }} {{ nothing | default("é") }}

"""


def test_templates_are_rendered_as_ansible_does(role: Role) -> None:
    role.template("_macros.j2", "{% macro shout(word) %}{{ word | upper }}!{% endmacro %}\n")
    role.template("_footer.j2", "by {{ greeting }}\n")
    role.template("a.conf.j2", TEMPLATE)
    role.vars = {"inner": "nested", "greeting": "{{ inner }} value", "sites": [{"name": "a", "port": 1}, {"name": "b"}]}
    role.more = [
        {"ansible.builtin.template": {"src": "a.conf.j2", "dest": str(role.folder / "a.conf"), "mode": "0644"}}
    ]
    assert role.apply()["pending"] == ["reload"]
    assert (role.root / "a.conf").read_text() == (role.folder / "a.conf").read_text()
    assert (role.root / "a.conf").read_text().endswith('["a", "b"] é\n\n')
    assert role.apply()["changed_paths"] == []


def test_each_item_has_its_own_file(role: Role) -> None:
    role.template("etc/@name@.conf.j2", '{{ item.name }}\n{% include "_part.j2" %}')
    role.template("etc/_part.j2", "{{ item.port }} of {{ sites | length }}\n")
    role.template("etc/plain", "{{ not a template }}\n")
    role.vars = {"sites": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}
    role.task["files"] = [{"path": "etc/@name@.conf", "each": "{{ sites }}"}]
    role.apply()
    assert {path.name: path.read_text() for path in (role.root / "etc").iterdir()} == {
        "a.conf": "a\n1 of 2",
        "b.conf": "b\n2 of 2",
        "plain": "{{ not a template }}\n",
    }


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("one\ntwo {{ missing }}\n", "etc/a.j2:2: 'missing' is undefined"),
        ("{{ missing | default('x') }}\n\n{{ other.missing }}\n", "etc/a.j2:3: 'other' is undefined"),
        ('one\n{% include "_part.j2" %}\n', "etc/_part.j2:3: 'inner' is undefined"),
        ("one\n{{ indirect }}\n", "etc/a.j2:2: 'behind' is undefined"),
        ("one\n\n{% if %}\n", "etc/a.j2:3: Syntax error in template"),
        ("one\n{{ 1 / 0 }}\n", "etc/a.j2:2: Error rendering template: division by zero"),
    ],
)
def test_an_error_names_the_template_and_the_line(role: Role, content: str, place: str) -> None:
    role.template("etc/_part.j2", "\n\n{{ inner }}\n")
    role.template("etc/a.j2", content)
    role.vars = {"indirect": "{{ behind }}"}
    assert f"templates/{place}" in " ".join(role.play(fails=True).split())
    assert not role.root.exists()


def test_an_error_in_a_secret_file_does_not_show_its_values(role: Role) -> None:
    role.template("etc/a.j2", "one\n{{ word | int + {} + word | from_json }}\n{{ word | from_json }}")
    role.vars = {"word": SECRET}
    role.task["files"] = [{"path": "etc/a", "secret": True}]
    printed = role.play("-vvv", fails=True)
    assert "because the file is secret" in printed
    assert SECRET not in printed


def test_values_are_not_templated_again(role: Role) -> None:
    role.template("etc/a.j2", "{{ word }}\n")
    role.vars = {"word": "{{ '{' ~ '{ 1 + 1 }' ~ '}' }}"}
    role.apply()
    assert (role.root / "etc/a").read_text() == "{{ 1 + 1 }}\n"


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_secret_is_neither_printed_nor_in_the_result(role: Role, options: tuple[str, ...]) -> None:
    role.template("etc/a.j2", "{{ word }}\n")
    role.vars = {"word": SECRET, "items": [{"name": "x", "key": SECRET}]}
    role.template("etc/@name@.env.j2", "{{ item.key }}\n")
    role.task["files"] = [
        {"path": "etc/a", "secret": True},
        {"path": "etc/@name@.env", "secret": True, "each": "{{ items }}"},
    ]
    printed = role.play("-vvvv", "--diff", *options)
    assert "(secret content changed)" in printed
    assert f"{role.root}/etc/a" in printed
    assert SECRET not in printed


def test_a_refused_tree_fails_the_task_with_the_reason(role: Role) -> None:
    role.template("etc/a.j2", "one\n")
    role.task["validate"] = ["sh", "-c", "echo line 3 is wrong; exit 1"]
    printed = role.play(fails=True)
    assert "failed with exit code 1; nothing was changed" in printed
    assert "line 3 is wrong" in printed
    assert not role.root.exists()


def test_a_misspelt_option_fails_the_task(role: Role) -> None:
    role.task["flies"] = []
    assert 'flies is not an option. Did you mean "files"?' in role.play(fails=True)


def test_a_role_without_templates(role: Role) -> None:
    role.task["directories"] = [{"path": "/srv/data"}]
    assert f"{role.root}/srv/data" in role.apply()["changed_paths"]
    role.task["src"] = "nowhere"
    assert "src: there is no folder" in role.play(fails=True)
