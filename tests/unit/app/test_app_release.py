"""What a build decides before it begins: what identifies the release, and whether there is room for it."""

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.uv import Uv

from tests.support.modules import load_module

app_release = load_module("app_release")


def release(tmp_path: Path, **source: Any) -> Any:
    given = {
        "kind": "git",
        "location": "git@git.example.com:atlas.git",
        "version": "v1",
        "deploy_key": "",
        "host_keys": [],
    }
    params = {
        "name": "atlas",
        "source": given | source,
        "python": {"version": "", "requirements": "requirements.txt", "pyproject": "", "lock": ""},
        "servers": [],
        "frontend": {"path": ""},
        "build_commands": [],
        "uv_version": "1",
        "min_free_mb": 1,
        "who": "anna",
        "content_id": "",
        "archive": None,
    }
    made = app_release.Release(params)
    made.paths = AppPaths("atlas", tmp_path)
    return made


def test_a_key_is_no_part_of_what_is_recorded_or_identifies_a_release(tmp_path: Path) -> None:
    plain, keyed = release(tmp_path), release(tmp_path, deploy_key="the private key", host_keys=["ssh-ed25519 AAAA"])
    assert keyed.public_source == plain.public_source
    assert keyed._inputs() == plain._inputs()


def test_a_package_is_built_in_the_version_that_its_release_is_named_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Uv, "resolve", lambda *_: "1.4.2")
    packaged = release(tmp_path, kind="pypi", location="atlas-site[s3]>=1", version="")
    attempt = app_release.Attempt(packaged.paths, "anna")
    assert packaged._build(attempt, packaged._resolve()).python.requirement == "atlas-site[s3]==1.4.2"


@pytest.mark.parametrize("enough_then", [True, False])
def test_the_wheel_cache_gives_way_before_a_build_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough_then: bool
) -> None:
    emptied: list[bool] = []

    def refuse(*_: object) -> None:
        if not (emptied and enough_then):
            raise ReleaseError("no room")

    monkeypatch.setattr(app_release, "refuse_without_room", refuse)
    monkeypatch.setattr(Uv, "empty_cache", lambda _: emptied.append(True))
    if enough_then:
        release(tmp_path)._make_room()
    else:
        with pytest.raises(ReleaseError, match="no room"):
            release(tmp_path)._make_room()
    assert emptied == [True]
