"""What decides how the dependencies of a release are installed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.roost_app import build
from ansible.module_utils.roost_app.build import Build, Python, hint_at_list
from ansible.module_utils.roost_app.frontend import Frontend
from ansible.module_utils.roost_app.node import Node
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.uv import Uv


def test_a_front_end_is_built_in_a_source_that_is_the_builders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(build, "give", lambda folder, user, _: done.append(f"{folder.name} to {user}"))
    node = SimpleNamespace(folder=tmp_path / "24", ensure=lambda _: None)
    frontend: Any = SimpleNamespace(kind="static", node=node, build_in=lambda *_: done.append("built"))
    release: Any = Build(
        paths=AppPaths("atlas", tmp_path),
        release="one",
        uv=Uv("1"),
        python=Python("/usr/bin/python3"),
        servers={},
        commands=[],
        fill_source=lambda _: None,
        frontend=frontend,
    )
    release.folder.mkdir(parents=True)
    release._build_frontend(frontend)
    assert done == ["src to roost-build", "built", "frontend to root"]


@pytest.mark.parametrize(
    ("kind", "twins"),
    [
        ("static", {"static/style.css.gz", "frontend/server.js.gz", "frontend/.next/static/page.js.gz"}),
        ("node", {"static/style.css.gz", "frontend/.next/static/page.js.gz"}),
    ],
)
def test_what_the_web_server_sends_is_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, twins: set[str]
) -> None:
    monkeypatch.setattr(build, "give", lambda *_: None)
    frontend = Frontend("frontend", kind, "npm run build", "dist", Node("24"), {})
    release = Build(
        paths=AppPaths("atlas", tmp_path),
        release="two",
        uv=Uv("1"),
        python=Python("/usr/bin/python3"),
        servers={},
        commands=[],
        fill_source=lambda _: None,
        frontend=frontend,
    )
    live = release.paths.release("one")
    release.paths.root.mkdir(parents=True)
    release.paths.current.symlink_to(live)
    for folder in (release.folder, live):
        for name in ("src/app.js", "static/style.css", "frontend/server.js", "frontend/.next/static/page.js"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("the same line\n" * 100)
    (live / "static" / "style.css.gz").write_text("compressed before")
    release._compress()
    assert {str(twin.relative_to(release.folder)) for twin in release.folder.rglob("*.gz")} == twins
    assert (release.folder / "static" / "style.css.gz").read_text() == "compressed before"


def test_another_list_of_dependencies_is_hinted_at(tmp_path: Path) -> None:
    assert hint_at_list(tmp_path) == ""
    for name, key in (("pyproject.toml", "pyproject"), ("uv.lock", "lock")):
        (tmp_path / name).touch()
        assert hint_at_list(tmp_path) == f", but a {name}: declare python: {{{key}: {name}}}"


@pytest.mark.parametrize(
    ("content", "strict"),
    [
        ("six==1.16.0\n", False),
        ("six==1.16.0 --hash=sha256:00\n", True),
        ("idna==3.7\nsix==1.16.0 \\\n    --hash=sha256:00\n", True),
        ("# --hash=sha256:00\nsix\n", False),
    ],
)
def test_a_hash_of_one_requirement_demands_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, strict: bool
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Uv, "_run", lambda _, arguments, **__: commands.append(arguments))
    (tmp_path / "requirements.txt").write_text(content)
    Uv("1").install_file(tmp_path / "venv", "requirements.txt", cwd=tmp_path)
    (command,) = commands
    assert ("--require-hashes" in command) is strict


def test_the_version_of_a_requirement_is_found_beside_extras_and_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: Any, **__: Any) -> str:
        return "atlas-site[s3]==1.4.2 ; python_version >= '3.9'\n"

    monkeypatch.setattr(Uv, "_run", answer)
    assert Uv("1").resolve("atlas-site[s3]>=1", "/usr/bin/python3") == "1.4.2"
