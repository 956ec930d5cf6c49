"""The build of a front end, with an npm that only remembers what it was told; and what a missing piece is called."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible.module_utils.roost_app.build import write_environment
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.frontend import Frontend
from ansible.module_utils.roost_app.node import Node, used_versions


@dataclass
class FakeNode:
    """Its build writes these files."""

    writes: tuple[str, ...] = ("dist/index.html", "dist/assets/index-D0HsVwoO.css")
    told: list[list[str]] = field(default_factory=list)

    def run(self, argv: list[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        assert environment == {"VITE_TITLE": "Atlas"}
        self.told.append(argv)
        if argv[0] == "npm":
            (cwd / "node_modules" / "vite").mkdir(parents=True)
        for name in self.writes if argv[0] == "sh" else ():
            (cwd / name).parent.mkdir(parents=True, exist_ok=True)
            (cwd / name).write_text("")


def frontend(node: FakeNode, kind: str = "static", output: str = "dist") -> Frontend:
    return Frontend("frontend", kind, "npm run build", output, node, {"VITE_TITLE": "Atlas"})  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "frontend"
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text("{}")
    return tmp_path / "src"


def test_what_was_built_leaves_the_source_and_its_tools_go(source: Path, tmp_path: Path) -> None:
    node = FakeNode()
    frontend(node).build_in(source, tmp_path / "frontend")
    assert (tmp_path / "frontend" / "assets" / "index-D0HsVwoO.css").is_file()
    assert sorted(path.name for path in (source / "frontend").iterdir()) == ["package-lock.json", "package.json"]
    assert node.told[1:3] == [["npm", "ci", "--include=dev"], ["sh", "-ec", "npm run build"]]


@pytest.mark.parametrize(
    ("missing", "told"),
    [("package.json", "no frontend/package.json"), ("package-lock.json", "let `npm install` write it, and commit it")],
)
def test_a_missing_file_is_told_before_anything_is_installed(
    source: Path, tmp_path: Path, missing: str, told: str
) -> None:
    node = FakeNode()
    (source / "frontend" / missing).unlink()
    with pytest.raises(ReleaseError, match=told):
        frontend(node).build_in(source, tmp_path / "frontend")
    assert node.told == []


def test_a_build_that_fills_another_folder_is_told_of_output(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="left no frontend/dist/index"):
        frontend(FakeNode(writes=("build/index.html",))).build_in(source, tmp_path / "frontend")


def test_a_server_of_next_is_completed(source: Path, tmp_path: Path) -> None:
    node = FakeNode(writes=(".next/standalone/server.js", ".next/standalone/.next/BUILD_ID", ".next/static/a.js"))
    (source / "frontend" / "public").mkdir()
    frontend(node, "node", ".next/standalone").build_in(source, tmp_path / "frontend")
    assert (tmp_path / "frontend" / "server.js").is_file()
    copied = [argv[-1].partition("standalone/")[2] for argv in node.told if argv[0] == "cp"]
    assert copied == [".next/static", "public"]


def test_environment_is_written_as_systemd_and_shells_read_it(tmp_path: Path) -> None:
    write_environment(tmp_path / "frontend.env", {"TITLE": 'a "b" $c `d` \\e'})
    shell = f'. {tmp_path}/frontend.env; printf %s "$TITLE"'
    assert subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout == 'a "b" $c `d` \\e'


def test_a_build_can_not_hand_out_what_is_elsewhere(source: Path, tmp_path: Path) -> None:
    (source / "frontend").rename(tmp_path / "moved")
    (source / "frontend").symlink_to(tmp_path / "moved")
    with pytest.raises(ReleaseError, match="leads out of the source"):
        frontend(FakeNode()).build_in(source, tmp_path / "frontend")


def test_versions_of_node_are_used_as_long_as_a_release_has_a_link(tmp_path: Path) -> None:
    for release, version in (("atlas/releases/one", "22.20.0"), ("memo/releases/two", "24.19.0")):
        (tmp_path / release).mkdir(parents=True)
        (tmp_path / release / "node").symlink_to(Node(version).folder)
    assert used_versions(tmp_path) == {"22.20.0", "24.19.0"}
