"""Failures are told in a few lines, and environment files are read as they were meant."""

import subprocess
from pathlib import Path

import jinja2
import pytest
from ansible.module_utils.roost_app import commands
from ansible.module_utils.roost_app.commands import (
    WITH_ENVIRONMENT,
    WITH_OPTIONS,
    failure,
    in_release,
    last_lines,
)
from ansible.module_utils.roost_app.paths import AppPaths

ROLE = Path(__file__).resolve().parents[3] / "roles" / "app" / "templates"

VALUES = [
    "",
    "plain",
    "two words",
    'a "quoted" word',
    "it's",
    "$HOME ${HOME} $(id) `id`",
    "back\\slash \\n \\",
    "# no comment",
    "two\nlines",
    "ünïcödé %h %%",
]


def test_failure_tells_the_command_and_its_last_lines() -> None:
    output = "\n".join(f"line {number}" for number in range(100))
    told = failure([WITH_ENVIRONMENT, "a.env", "sh", "-ec", "make all"], 2, last_lines(output)).splitlines()
    assert told[0] == "`make all` failed with exit code 2:"
    assert told[-1] == "line 99"
    assert len(told) <= 8


@pytest.mark.parametrize("value", VALUES)
def test_environment_file_keeps_every_character(tmp_path: Path, value: str) -> None:
    loader = jinja2.FileSystemLoader(ROLE)
    environment = jinja2.Environment(loader=loader, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 - not HTML
    item = {"environment": [{"name": "VALUE", "value": value}], "secrets": [{"name": "LAST", "value": "1"}]}
    file = tmp_path / "atlas.env"
    file.write_text(environment.get_template("etc/roost/apps/@name@.env.j2").render(item=item))
    command = ["sh", str(ROLE / "usr/local/lib/roost/with-environment"), str(file), "printenv", "VALUE"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == f"{value}\n"


@pytest.mark.parametrize(("besides", "seen"), [(None, "pooled"), ("direct", "direct")])
def test_what_commands_have_besides_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, besides: str | None, seen: str
) -> None:
    monkeypatch.setattr(commands, "WITH_ENVIRONMENT", str(ROLE / "usr/local/lib/roost/with-environment"))
    paths = AppPaths("atlas", tmp_path)
    paths.environment.parent.mkdir(parents=True)
    paths.environment.write_text('DATABASE_URL="pooled"\n')
    if besides:
        paths.command_environment.write_text(f'DATABASE_URL="{besides}"\n')
    (tmp_path / "release.env").touch()
    argv = in_release('printf %s "$DATABASE_URL"; cat', tmp_path, paths)
    run = subprocess.run(argv, input=commands.besides(paths), check=True, capture_output=True, text=True)
    assert run.stdout == seen


@pytest.mark.parametrize(
    ("own", "seen"),
    [(None, "-c lock_timeout=10s"), ("-c lock_timeout=0", "-c lock_timeout=10s -c lock_timeout=0")],
)
def test_the_applications_own_session_options_come_last(own: str | None, seen: str) -> None:
    environment = {"PATH": "/usr/bin:/bin"} | ({"PGOPTIONS": own} if own else {})
    command = ["sh", "-c", WITH_OPTIONS, "sh", "-c lock_timeout=10s", 'echo "$PGOPTIONS"']
    assert subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout == f"{seen}\n"
