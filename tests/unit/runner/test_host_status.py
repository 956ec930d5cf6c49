"""The module host_status: what it reads from commands and folders."""

import os
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.modules import load_module


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    loaded = load_module("host_status")
    monkeypatch.setattr(loaded, "APPS", tmp_path / "srv")
    monkeypatch.setattr(loaded, "TLS", tmp_path / "tls")
    monkeypatch.setattr(loaded, "TLS_STATE", tmp_path / "state.json")
    monkeypatch.setattr(loaded, "MAINTENANCE", tmp_path / "maintenance")
    return loaded


def prints(module: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module, "output", lambda *_command: text)


def test_only_units_that_exist_are_told(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    known = "Id=nginx.service\nLoadState=loaded\nActiveState=active\n"
    unknown = "Id=x.service\nLoadState=not-found\nActiveState=inactive\n"
    prints(module, monkeypatch, f"{known}\n{unknown}")
    assert module.units(["nginx.service", "x.service"]) == {"nginx.service": "active"}
    assert module.units([]) == {}


def test_programs_are_told_without_their_group(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    prints(
        module, monkeypatch, "atlas:atlas-beat   RUNNING   pid 1, uptime 0:00:01\natlas:atlas-worker-mail   FATAL   x\n"
    )
    assert module.programs() == {"atlas-beat": "running", "atlas-worker-mail": "fatal"}


def test_an_error_of_supervisorctl_is_no_program(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    prints(module, monkeypatch, "unix:///run/supervisor.sock no such file\n")
    assert module.programs() == {}


def test_failed_units_are_named(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    prints(module, monkeypatch, "x.service loaded failed failed The x\n")
    assert module.failed_units() == ["x.service"]


def test_an_application_is_read_from_its_links(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = module.APPS / "atlas"
    release = folder / "releases/abc"
    release.mkdir(parents=True)
    (release / "manifest.json").write_text("{}")
    (folder / "releases/unfinished").mkdir()
    (folder / "current").symlink_to("releases/abc")
    (folder / "live.sock").symlink_to("/run/atlas/green.sock")
    prints(module, monkeypatch, "Id=atlas@green.service\nLoadState=loaded\nActiveState=active\n")
    assert module.app_status("atlas", {"atlas-beat": "running", "other-beat": "running"}) == {
        "name": "atlas",
        "release": "abc",
        "releases": 1,
        "slot": "green",
        "web": "active",
        "warm": "",
        "frontend": None,
        "maintenance_since": "",
        "programs": {"atlas-beat": "running"},
    }
    (folder / "frontend.sock").symlink_to("/run/atlas-frontend/green.sock")
    prints(module, monkeypatch, "Id=atlas-frontend@green.service\nLoadState=loaded\nActiveState=failed\n")
    assert module.app_status("atlas", {})["frontend"] == "failed"
    assert module.app_status("elsewhere", {}) is None


def test_a_release_that_is_kept_warm_is_told(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = module.APPS / "atlas/slots"
    slots.mkdir(parents=True)
    (slots / "green").symlink_to("../releases/abc")
    assert module.warm_release("atlas") == ""
    prints(module, monkeypatch, "Id=roost-warm-atlas-green.service\nLoadState=loaded\nActiveState=active\n")
    assert module.warm_release("atlas") == "abc"


def test_a_pool_is_told_by_its_live_slot(module: ModuleType) -> None:
    pools = module.APPS / "atlas/workers"
    pools.mkdir(parents=True)
    (pools / "atlas-worker-mail").symlink_to("green")
    programs = {
        "atlas-beat": "running",
        "atlas-worker-mail-blue": "stopping",
        "atlas-worker-mail-green": "starting",
        "atlas-worker-removed-blue": "stopping",
        "other-worker-mail-green": "running",
    }
    assert module.app_programs("atlas", programs) == {"atlas-beat": "running", "atlas-worker-mail": "starting"}


def test_maintenance_mode_is_told_with_its_beginning(module: ModuleType) -> None:
    flag = module.MAINTENANCE / "atlas.on"
    flag.parent.mkdir()
    flag.touch()
    os.utime(flag, (0, 0))
    assert module.changed_at(flag) == "1970-01-01 00:00 UTC"


def test_a_certificate_tells_its_days_its_kind_and_why_it_was_not_issued(module: ModuleType) -> None:
    folder = module.TLS / "atlas"
    folder.mkdir(parents=True)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj", "/CN=atlas"]
    command += ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(command, check=True, capture_output=True)
    module.TLS_STATE.write_text('{"failures": {"atlas": {"reason": "no such host."}}}')
    assert module.certificates(time.time()) == [
        {"name": "atlas", "days_left": 9, "lifetime_days": 10, "self_signed": True, "failure": "no such host."}
    ]


def test_a_broken_certificate_is_left_out(module: ModuleType) -> None:
    (module.TLS / "atlas").mkdir(parents=True)
    (module.TLS / "atlas/fullchain.pem").write_text("nonsense")
    assert module.certificates(time.time()) == []


def test_this_machine_has_a_disk_and_memory(module: ModuleType) -> None:
    assert module.disks()[0]["path"] == "/"
    assert 0 < module.memory()["available_mb"] <= module.memory()["total_mb"]
