"""A host with two complete releases, and a systemd that only remembers what it was told."""

import time
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest
from ansible.module_utils.roost_app import slots as slots_module
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.health import Answer, Health
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.releases import write_manifest
from ansible.module_utils.roost_app.slots import Slots


@dataclass
class FakeSystemd:
    """Units are active or enabled, or not. A `crashing` one restarts all, a `refusing` one starts none."""

    active: set[str] = field(default_factory=set)
    enabled: set[str] = field(default_factory=set)
    crashing: bool = False
    refusing: bool = False

    def __call__(self, verb: str, *arguments: str) -> None:
        units = {argument for argument in arguments if not argument.startswith("--")}
        if verb == "start" and self.refusing:
            raise ReleaseError(f"`systemctl start {units}` failed")
        if verb == "start":
            self.active |= units
        elif verb == "stop":
            self.active -= {unit for unit in self.active if any(fnmatch(unit, pattern) for pattern in units)}

    def run_aside(self, unit: str, *_command: str) -> None:
        self.active.add(unit)

    def enable(self, *units: str) -> None:
        self.enabled |= set(units)

    def disable(self, *units: str) -> None:
        self.enabled -= set(units)

    def kill(self, unit: str) -> None:
        self.active.discard(unit)

    def all_active(self, *units: str) -> bool:
        return set(units) <= self.active

    def rests(self, unit: str) -> bool:
        return unit not in self.active

    def all_enabled(self, *units: str) -> bool:
        return set(units) <= self.enabled

    def any_enabled(self, *units: str) -> bool:
        return bool(set(units) & self.enabled)

    def any_active_or_enabled(self, *units: str) -> bool:
        return bool(set(units) & (self.active | self.enabled))

    def restarts(self, _: str) -> int:
        return int(self.crashing)

    def forget_failures(self, *units: str) -> None:
        pass

    def journal_of_systemd(self, *_: str, since: float) -> list[str]:
        return ["Failed to create listening socket"] if since else []

    def journal(self, *_: object) -> list[str]:
        return ["ModuleNotFoundError: No module named 'x'"]


@pytest.fixture
def paths(tmp_path: Path) -> AppPaths:
    paths = AppPaths("atlas", tmp_path)
    for release in ("one", "two"):
        paths.release(release).mkdir(parents=True)
        write_manifest(paths.release(release), {"built": release, "who": "anna", "inputs": ""})
    (paths.root / "slots").mkdir()
    units = paths.host / "etc/systemd/system"
    units.mkdir(parents=True)
    for kind in ("socket", "service"):
        (units / f"atlas@.{kind}").write_text(f"# a {kind}\n")
    paths.environment.parent.mkdir(parents=True)
    paths.environment.write_text('A="1"\n')
    return paths


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """What the application answers; the last one again and again."""
    given = [Answer(200, "")]
    monkeypatch.setattr(slots_module, "ask", lambda *_: given.pop(0) if len(given) > 1 else given[0])
    monkeypatch.setattr(time, "sleep", lambda _: None)
    return given


@pytest.fixture
def slots(paths: AppPaths, answers: list[Answer]) -> Slots:
    assert answers
    return Slots(paths, Health("/health/", "atlas.example.com"), patience=0.05, systemd=FakeSystemd())
