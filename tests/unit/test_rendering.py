"""Whatever a valid stack declares, the roles' templates make sound files of it.

tests/acceptance asks the real programs about such files; here is what holds of them without any.
"""

import configparser
import itertools
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.logs import SLOTS
from roost.model import check_stack, parse_stack, resolved_apps
from tests.support.rendering import ONE_HOST, SECRET, RenderedTree, render_host
from tests.support.stacks import valid_stacks

MANY_HOSTS = {
    "all": ["a1", "a2", "w1", "d1", "r1"],
    "web": ["a1", "a2"],
    "app": ["a1", "a2"],
    "worker": ["w1"],
    "database": ["d1"],
    "cache": ["d1"],
    "receiver": ["r1"],
}
HOSTS = [(ONE_HOST, "vm1"), *((MANY_HOSTS, name) for name in MANY_HOSTS["all"])]


def texts(trees: list[RenderedTree]) -> dict[str, str]:
    """What is rendered, without what is only copied."""
    return {file.path: content.decode() for tree in trees for file, content in tree.files if not file.is_copy}


@given(valid_stacks(), st.sampled_from(HOSTS), st.sampled_from(["debian12", "debian13"]))
@settings(max_examples=12, deadline=None)
def test_every_valid_stack_renders_on_every_host(
    stack: dict[str, Any], host: tuple[dict[str, list[str]], str], release: str
) -> None:
    assert check_stack(stack)[1] == []
    files = texts(render_host(stack, release, *host))
    for path, text in files.items():
        # Values of the environment may hold anything, and programs are copied as they are.
        if not path.endswith(".env") and not path.startswith("usr/local/lib/roost/"):
            assert "{{" not in text, path
            assert "{%" not in text, path
            assert "None" not in text, path
        assert text.endswith("\n"), path
    for path, text in files.items():
        if path.startswith("etc/nginx") and path.endswith(".conf"):
            assert text.count("{") == text.count("}"), path


@given(valid_stacks())
@settings(max_examples=8, deadline=None)
def test_each_pool_is_two_programs_and_each_scheduler_one(stack: dict[str, Any]) -> None:
    files = texts(render_host(stack, "debian13"))
    for app in resolved_apps(parse_stack(stack)):
        programs = configparser.RawConfigParser()
        programs.read_string(files.get(f"etc/supervisor/conf.d/{app.name}.conf", ""))
        pools = [f"{app.name}-worker-{pool.name}" for pool in (app.celery.pools if app.celery else ())]
        slots = [f"program:{pool}-{slot}" for pool in pools for slot in SLOTS]
        beat = [f"program:{app.name}-beat"] if app.celery and app.celery.beat else []
        assert programs.sections() == [*slots, *beat]
        for blue, green in itertools.batched(slots, 2):
            # What differs is the name alone: of the node, the files and the slot.
            assert dict(programs[green]) == {
                key: value.replace("-blue", "-green").replace(" blue ", " green ")
                for key, value in programs[blue].items()
            }
            for key in ("command", "stdout_logfile"):
                assert programs[blue][key] != programs[green][key]


@given(stack=valid_stacks())
@settings(max_examples=6, deadline=None)
def test_a_shell_reads_the_environment_exactly_as_it_was_written(
    stack: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file: Path = tmp_path_factory.mktemp("environment") / "env"
    files = texts(render_host(stack, "debian13"))
    for app in resolved_apps(parse_stack(stack)):
        file.write_text(files[f"etc/roost/apps/{app.name}.env"])
        command = ["env", "-i", "sh", "-c", 'set -a; . "$1"; exec env -0', "sh", str(file)]
        read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        variables = dict(entry.split("=", 1) for entry in read.split("\0") if entry)
        expected = dict(app.env) | dict.fromkeys(app.secrets, SECRET)
        assert {name: variables[name] for name in expected} == expected


WEB_HOSTS = [(ONE_HOST, "vm1"), (MANY_HOSTS, "a1"), (MANY_HOSTS, "a2")]


@given(valid_stacks(), st.sampled_from(WEB_HOSTS), st.sampled_from(["debian12", "debian13"]))
@settings(max_examples=8, deadline=None)
def test_gixy_finds_nothing_in_the_configuration_of_nginx(
    tmp_path_factory: pytest.TempPathFactory,
    stack: dict[str, Any],
    host: tuple[dict[str, list[str]], str],
    release: str,
) -> None:
    dump: Path = tmp_path_factory.mktemp("nginx") / "nginx.conf"
    rendered = texts(render_host(stack, release, *host))
    # ModSecurity reads its rules, not nginx.
    files = {path: text for path, text in rendered.items() if path.startswith("etc/nginx/") and path.endswith(".conf")}
    main = "etc/nginx/nginx.conf"
    parts = [f"# configuration file /{path}:\n{files[path]}\n" for path in sorted(files, key=lambda path: path != main)]
    dump.write_text("".join(parts))
    # Whether a site has HSTS is for the stack to say.
    run = subprocess.run(["gixy", "--skips", "hsts_header", dump], capture_output=True, text=True, check=False)
    assert "No issues found" in run.stdout, run.stdout + run.stderr


POOLED = {
    "tls": "selfsigned",
    "apps": [
        {
            "name": "atlas",
            "framework": "django",
            "domains": ["atlas.test"],
            "source": {"git": "https://git.example.com/atlas.git", "version": "v1"},
            "wsgi": "atlas.wsgi",
            "database": {"pooler": True},
        }
    ],
}


@pytest.mark.parametrize(("release", "prepared"), [("debian12", None), ("debian13", "200")])
@pytest.mark.parametrize(("groups", "host", "tls"), [(ONE_HOST, "vm1", None), (MANY_HOSTS, "d1", "allow")])
def test_the_pooler_has_what_its_version_and_the_hosts_call_for(
    release: str, prepared: str | None, groups: dict[str, list[str]], host: str, tls: str | None
) -> None:
    files = texts(render_host(POOLED, release, groups, host))
    pooler = configparser.RawConfigParser()
    pooler.read_string(files["etc/pgbouncer/roost.ini"].replace("%include", "include = "))
    sizes = "pool_mode=transaction pool_size=20 max_db_connections=20"
    assert pooler["databases"]["atlas"].endswith(f"dbname=atlas {sizes}")
    assert pooler["pgbouncer"].get("max_prepared_statements") == prepared
    assert pooler["pgbouncer"].get("client_tls_sslmode") == tls
    assert ("hostssl" in files["etc/pgbouncer/roost-hba.conf"]) == (tls is not None)
    assert [line.split()[0] for line in files["etc/pgbouncer/roost-users.txt"].splitlines()[2:]] == [
        '"atlas"',
        '"atlas_app"',
    ]


@pytest.mark.parametrize(("host", "unit"), [("d1", "roost-wal-sender"), ("r1", "roost-wal-receiver")])
def test_systemd_understands_the_units_that_bring_the_log_to_its_receiver(tmp_path: Path, host: str, unit: str) -> None:
    folder = "etc/systemd/system"
    files = texts(render_host(POOLED, "debian13", MANY_HOSTS, host))
    units = {path: text for path, text in files.items() if path.startswith(f"{folder}/roost-wal-")}
    assert f"{folder}/{unit}.service" in units
    for path, text in units.items():
        (tmp_path / Path(path).name).write_text(text.replace("/usr/local/lib/roost/wal-", "/bin/true "))
    names = [str(tmp_path / Path(path).name) for path in units]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )
    assert [line for line in said.stderr.splitlines() if "roost-wal" in line] == []


def test_only_the_receiver_knows_its_password() -> None:
    for host in MANY_HOSTS["all"]:
        files = texts(render_host(POOLED, "debian13", MANY_HOSTS, host))
        assert ("etc/roost/wal-receiver.env" in files) == (host == "r1")
        waits = "etc/postgresql/17/main/conf.d/roost-wal-sender.conf"
        assert (waits in files) == (host == "d1")


def test_what_serves_can_not_read_the_owner_of_its_database() -> None:
    rendered = [item for tree in render_host(POOLED, "debian13") for item in tree.files]
    files = {file.path.lstrip("/"): (file, content.decode()) for file, content in rendered}
    environment, _ = files["etc/roost/apps/atlas.env"]
    commands, content = files["etc/roost/apps/atlas.commands.env"]
    assert (environment.group, commands.group, commands.mode & 0o007) == ("atlas", "root", 0)
    assert "postgresql://atlas:" in content
    assert not any("postgresql://atlas:" in text for path, (_, text) in files.items() if "commands" not in path)
